import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { ignoreEvents } from '../../../src/command-side/handling/ignore-events.js';
import { PortError, UnavailableError } from '../../../src/ports/errors.js';
import type { EventStore } from '../../../src/ports/event-store.js';
import {
  freshAnime,
  handlerOver,
  openStore,
  streamOfAnime,
} from '../../support/command-handler.js';
import { AT } from '../../support/examples.js';
import {
  after as afterOther,
  conflict,
  faultyEventStore,
  loseAnswer,
} from '../../support/faulty-event-store.js';
import { rejectionOf } from '../../support/rejection-of.js';

describe('ignoring events that cannot be read', () => {
  let store: EventStore;
  let close: () => Promise<void>;
  before(async () => ({ store, close } = await openStore()));
  after(() => close());

  const setUp = async () => {
    const anime = freshAnime();
    const { send } = handlerOver(store);
    await send(anime.list);
    const unknown = { id: randomUUID(), type: 'AnimeAwarded', data: {}, metadata: {} };
    await store.append(anime.stream, 0n, [unknown]);
    const faulty = faultyEventStore(store);
    const ignore = (from = 1, to = from) =>
      ignoreEvents(faulty.store, {
        animeId: anime.id,
        from,
        to,
        reason: 'A test.',
        evenNewer: false,
        at: AT,
      });
    return { anime, ...faulty, ignore };
  };

  it('succeeds although somebody else writes to the stream meanwhile', async () => {
    const { anime, next, ignore } = await setUp();
    const click = { id: randomUUID(), type: 'AnimeAwarded', data: {}, metadata: {} };
    next(afterOther(() => store.append(anime.stream, 1n, [click])));
    expect(await ignore()).to.deep.equal({ kind: 'ignored', revisions: [1], at: 3n });
  });

  it('is done once where the response was lost', async () => {
    const { anime, next, ignore } = await setUp();
    next(loseAnswer);
    expect(await ignore()).to.deep.equal({ kind: 'ignored-before' });
    expect(await streamOfAnime(store, anime.id)).to.have.length(3);
  });

  it('is given up after ten conflicts', async () => {
    const { always, appends, ignore } = await setUp();
    always(conflict);
    expect(await rejectionOf(ignore())).to.have.property('code', 'CONFLICT');
    expect(appends).to.have.length(10);
  });

  for (const error of [
    new UnavailableError('Away.'),
    new PortError('ACCESS_DENIED', 'No.', false),
  ]) {
    it(`is given up at once where the store returns ${error.code}`, async () => {
      const { always, appends, ignore } = await setUp();
      always(() => Promise.reject(error));
      expect(await rejectionOf(ignore())).to.equal(error);
      expect(appends).to.have.length(1);
    });
  }

  it('ignores the unreadable events of a range and no others', async () => {
    const { anime, ignore } = await setUp();
    const more = [2, 3, 4].map(() => ({
      id: randomUUID(),
      type: 'AnimeAwarded',
      data: {},
      metadata: {},
    }));
    await store.append(anime.stream, 1n, more);
    expect(await ignore(2, 3)).to.deep.equal({ kind: 'ignored', revisions: [2, 3], at: 5n });
    expect(await ignore(0, 9)).to.deep.equal({ kind: 'ignored', revisions: [1, 4], at: 6n });
    expect(await ignore(1, 4)).to.deep.equal({ kind: 'ignored-before' });
  });

  it('leaves commands refused while an event before or after the range cannot be read', async () => {
    for (const [from, to, left] of [
      [2, 3, 1n],
      [1, 2, 3n],
    ] as const) {
      const { anime, ignore } = await setUp();
      const more = [2, 3].map(() => ({
        ...{ id: randomUUID(), type: 'AnimeAwarded' },
        ...{ data: {}, metadata: {} },
      }));
      await store.append(anime.stream, 1n, more);
      await ignore(from, to);
      const { send } = handlerOver(store);
      expect(await send(anime.click)).to.have.nested.property('problem.revision', left);
    }
  });
});
