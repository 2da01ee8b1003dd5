import { expect } from 'chai';
import type { EventStore } from '../../../src/ports/event-store.js';
import { UnavailableError } from '../../../src/ports/errors.js';
import { eventually } from '../../support/eventually.js';
import { held, neverApply, refuse, withHeldRead } from '../../support/faulty-event-store.js';
import {
  freshAnime,
  handlerOver,
  openStore,
  streamOfAnime,
  typesOf,
} from '../../support/command-handler.js';

describe('a response without an event', () => {
  let store: EventStore;
  let close: () => Promise<void>;
  before(async () => ({ store, close } = await openStore()));
  after(() => close());

  it('refuses an anime that is not listed, and leaves no event', async () => {
    const anime = freshAnime();
    const { send } = handlerOver(store);
    expect(await send(anime.click)).to.deep.equal({
      kind: 'rejected',
      rejection: {
        code: 'ANIME_NOT_LISTED',
        reason: `Anime ${anime.id} is not in the catalogue.`,
      },
    });
    expect(await streamOfAnime(store, anime.id)).to.deep.equal([]);
  });

  it('refuses a delisted anime, and leaves no event', async () => {
    const anime = freshAnime();
    const { send } = handlerOver(store);
    await send(anime.list);
    await send(anime.delist);
    expect(await send(anime.view)).to.have.nested.property('rejection.code', 'ANIME_DELISTED');
    expect(await streamOfAnime(store, anime.id)).to.have.length(2);
  });

  it('returns the revision of the anime when there was nothing to do', async () => {
    const anime = freshAnime();
    const { send } = handlerOver(store);
    await send(anime.list);
    await send(anime.click);
    expect(await send(anime.list)).to.deep.equal({ kind: 'unchanged', revision: 1n });
  });

  it('takes into account what another process has written since', async () => {
    const anime = freshAnime();
    const [here, there] = [handlerOver(store), handlerOver(store)];
    expect(await here.send(anime.click)).to.include({ kind: 'rejected' });
    await there.send(anime.list);
    expect(await here.send(anime.click)).to.include({ kind: 'accepted', revision: 1n });
    await there.send(anime.delist);
    expect(await here.send(anime.list)).to.include({ kind: 'accepted', revision: 3n });
    await there.send(anime.click);
    expect(await here.send(anime.list)).to.deep.equal({ kind: 'unchanged', revision: 4n });
  });

  it('is not given when the head of the stream cannot be read', async () => {
    const anime = freshAnime();
    const { send, readsFail } = handlerOver(store);
    await send(anime.list);
    readsFail(new UnavailableError('The store is down.'));
    expect(await send(anime.list)).to.deep.equal({ kind: 'unavailable' });
    readsFail(undefined);
    expect(await send(anime.list)).to.deep.equal({ kind: 'unchanged', revision: 0n });
  });

  it('is not given to a command that came after the stream was read', async () => {
    const anime = freshAnime();
    const there = handlerOver(store);
    const { holding, holdNext, isHeld, release } = withHeldRead(store);
    const here = handlerOver(holding);
    expect(await here.send(anime.click)).to.include({ kind: 'rejected' });
    await there.send(anime.list);
    await there.send(anime.delist);
    holdNext();
    const first = here.send(anime.click);
    await eventually(() => expect(isHeld()).to.be.true);
    await there.send(anime.list);
    const second = here.send(anime.click);
    release();
    expect(await first).to.include({ kind: 'rejected' });
    expect(await second).to.include({ kind: 'accepted', revision: 3n });
  });

  it('is not given to a command that came during the first read of its stream', async () => {
    const anime = freshAnime();
    const { holding, holdNext, isHeld, release } = withHeldRead(store);
    const here = handlerOver(holding);
    holdNext();
    const first = here.send(anime.click);
    await eventually(() => expect(isHeld()).to.be.true);
    await handlerOver(store).send(anime.list);
    const second = here.send(anime.click);
    release();
    await first;
    expect(await second).to.include({ kind: 'accepted' });
  });

  it('keeps the order of many that see another state than expected', async () => {
    const anime = freshAnime();
    const [here, there] = [handlerOver(store, { batchEvents: 3 }), handlerOver(store)];
    await here.send(anime.click);
    await there.send(anime.list);
    const results = await Promise.all(
      Array.from({ length: 10 }, (_, i) => here.send({ ...anime.view, durationSeconds: i })),
    );
    const revisions = results.map((result) => 'revision' in result && result.revision);
    expect(revisions).to.deep.equal(Array.from({ length: 10 }, (_, i) => BigInt(i + 1)));
  });

  for (const [name, fault, outcome] of [
    ['was refused', refuse, 'unavailable'],
    ['was lost', neverApply, 'outcome-unknown'],
  ] as const) {
    it(`is decided again when the event it depends on ${name}`, async () => {
      const anime = freshAnime();
      const { send, next, always, appends } = handlerOver(store);
      await send(anime.list);
      const gate = held();
      next(gate.fault);

      const click = send(anime.click);
      await eventually(() => expect(appends).to.have.length(2));
      const delist = send(anime.delist, { deadlineMs: 300 });
      const restsOnDelist = send(anime.view);
      always(async (call) => {
        if (call.events.some(({ type }) => type === 'AnimeDelisted')) return fault(call);
        return call.forward();
      });
      gate.release();

      expect(await click).to.include({ kind: 'accepted', revision: 1n });
      expect(await delist).to.deep.equal({ kind: outcome });
      expect(await restsOnDelist).to.include({ kind: 'accepted', revision: 2n });
      expect(typesOf(await streamOfAnime(store, anime.id))).to.deep.equal([
        'AnimeListed',
        'ClickRegistered',
        'ViewRegistered',
      ]);
    });
  }

  /** A click whose append is held, so that what is sent next is appended together. */
  const givenHeldAppend = async () => {
    const anime = freshAnime();
    const { send, next, appends } = handlerOver(store);
    await send(anime.list);
    const gate = held();
    next(gate.fault);
    const sent = [send(anime.click)];
    await eventually(() => expect(appends).to.have.length(2));
    return { anime, send, appends, gate, sent };
  };

  it('says the revision after the events before it in its append', async () => {
    const { anime, send, appends, gate, sent } = await givenHeldAppend();
    sent.push(send(anime.click), send(anime.view));
    sent.push(send(anime.click, { ifMatch: [9n] }), send(anime.list));
    sent.push(send(anime.delist), send(anime.view), send(anime.delist));
    gate.release();
    const results = (await Promise.all(sent)).slice(3);
    expect(results[0]).to.deep.equal({
      kind: 'precondition-failed',
      header: 'If-Match',
      revision: 3n,
    });
    expect(results[1]).to.deep.equal({ kind: 'unchanged', revision: 3n });
    expect(results[2]).to.include({ kind: 'accepted', revision: 4n });
    expect(results[3]).to.have.nested.property('rejection.code', 'ANIME_DELISTED');
    expect(results[4]).to.deep.equal({ kind: 'unchanged', revision: 4n });
    expect(appends.map(({ events }) => events.length)).to.deep.equal([1, 1, 3]);
  });

  it('that depends on an event is given once the event is written', async () => {
    const { anime, send, appends, gate, sent } = await givenHeldAppend();
    sent.push(send(anime.delist), send(anime.click), send(anime.delist));
    gate.release();
    const [, delisted, refused, unchanged] = await Promise.all(sent);
    expect(delisted).to.include({ kind: 'accepted', revision: 2n });
    expect(refused).to.have.nested.property('rejection.code', 'ANIME_DELISTED');
    expect(unchanged).to.deep.equal({ kind: 'unchanged', revision: 2n });
    expect(appends).to.have.length(3);
  });
});
