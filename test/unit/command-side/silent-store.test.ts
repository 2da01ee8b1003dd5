import { expect } from 'chai';
import type { CommandHandler } from '../../../src/command-side/handling/handler.js';
import { refuseWhileSilent } from '../../../src/compose/write-side.js';
import type { EventStore } from '../../../src/ports/event-store.js';
import { freshAnime, handlerOver, openStore } from '../../support/command-handler.js';
import { eventually } from '../../support/eventually.js';
import { held, refuse } from '../../support/faulty-event-store.js';

const QUICK = { suspectAfterMs: 20, pingMs: 40, retryMs: 10 };
const UNAVAILABLE = { kind: 'unavailable' };
const FROM = { correlationId: 'test' };

describe('commands while the event store is silent', () => {
  let store: EventStore;
  let close: () => Promise<void>;
  before(async () => ({ store, close } = await openStore()));
  after(() => close());

  /** A handler whose event store answers pings as `ping` says. */
  const setUp = (ping: () => Promise<void>) => {
    const parts = handlerOver(store);
    const handler: CommandHandler = refuseWhileSilent(parts.handler, ping, QUICK);
    return { ...parts, handler };
  };

  it('are refused at once, of any anime, and accepted again once a ping is answered', async () => {
    let isSilent = true;
    const { handler, next } = setUp(() =>
      isSilent ? new Promise<void>(() => undefined) : Promise.resolve(),
    );
    const { fault, release } = held();
    next(fault);
    const underWay = handler.handle(freshAnime().list, FROM);
    const other = freshAnime();
    await eventually(async () =>
      expect(await handler.handle(other.click, FROM)).to.deep.equal(UNAVAILABLE),
    );
    expect(await handler.handle(freshAnime().list, FROM)).to.deep.equal(UNAVAILABLE);
    isSilent = false;
    await eventually(async () =>
      expect(await handler.handle(other.list, FROM)).to.have.property('kind', 'accepted'),
    );
    release();
    expect(await underWay).to.have.property('kind', 'accepted');
    await handler.drain();
  });

  it('go on while pings are answered, however slow an append is', async () => {
    let pings = 0;
    const { handler, next } = setUp(() => {
      pings += 1;
      return Promise.resolve();
    });
    const { fault, release } = held();
    next(fault);
    const slow = handler.handle(freshAnime().list, FROM);
    await eventually(() => expect(pings).to.be.greaterThan(0));
    expect(await handler.handle(freshAnime().list, FROM)).to.have.property('kind', 'accepted');
    release();
    expect(await slow).to.have.property('kind', 'accepted');
    await handler.drain();
  });

  it('are tried where the event store answers with errors', async () => {
    const { handler, always, appends } = setUp(() => Promise.reject(new Error('Not now.')));
    always(refuse);
    const anime = freshAnime();
    expect(await handler.handle(anime.list, FROM)).to.deep.equal(UNAVAILABLE);
    const before = appends.length;
    expect(await handler.handle(anime.list, FROM)).to.deep.equal(UNAVAILABLE);
    expect(appends.length).to.be.greaterThan(before);
    await handler.drain();
  });
});
