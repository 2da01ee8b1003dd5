import { expect } from 'chai';
import type { EventStore } from '../../../src/ports/event-store.js';
import { eventually } from '../../support/eventually.js';
import {
  after as afterOther,
  conflict,
  held,
  loseAnswer,
  neverApply,
} from '../../support/faulty-event-store.js';
import {
  freshAnime,
  handlerOver,
  openStore,
  streamOfAnime,
  typesOf,
  withKey,
} from '../../support/command-handler.js';

describe('an append whose response is lost', () => {
  let store: EventStore;
  let close: () => Promise<void>;
  before(async () => ({ store, close } = await openStore()));
  after(() => close());

  const setUp = async () => {
    const anime = freshAnime();
    const process = handlerOver(store);
    await process.send(anime.list);
    return { anime, ...process };
  };

  for (const [name, faults] of [
    ['it was written', [loseAnswer]],
    ['it was not written', [neverApply]],
    ['it was written at the second try', [neverApply, loseAnswer]],
    ['it was written and the repeat was lost', [loseAnswer, neverApply]],
  ] as const) {
    it(`is repeated with the same ids at the same revision when ${name}`, async () => {
      const { anime, send, next, appends } = await setUp();
      next(...faults);
      const result = await send(anime.click);
      const [, event] = await streamOfAnime(store, anime.id);
      expect(result).to.include({ kind: 'accepted', eventId: event?.id, revision: 1n });
      expect(await streamOfAnime(store, anime.id)).to.have.length(2);
      const repeats = appends.slice(1).map(({ expected, events }) => [expected, events[0]?.id]);
      expect(repeats).to.have.length(faults.length + 1);
      for (const repeat of repeats) expect(repeat).to.deep.equal([0n, event?.id]);
    });
  }

  it('is unknown at the deadline, and the cache is dropped', async () => {
    const { anime, send, next, always } = await setUp();
    next(loseAnswer);
    always(neverApply);
    expect(await send(anime.delist, { deadlineMs: 200 })).to.deep.equal({
      kind: 'outcome-unknown',
    });
    always(undefined);
    expect(await send(anime.click)).to.have.nested.property('rejection.code', 'ANIME_DELISTED');
  });

  it('is reported unknown by its deadline while the store never responds', async () => {
    const { anime, send, next, appends } = await setUp();
    const gate = held();
    next(gate.fault);
    const appending = send(anime.click, { deadlineMs: 100 });
    await eventually(() => expect(appends).to.have.length(2));
    const waiting = send(anime.rating, { deadlineMs: 100 });
    expect(await appending).to.deep.equal({ kind: 'outcome-unknown' });
    expect(await waiting).to.deep.equal({ kind: 'unavailable' });
    gate.release();
    expect(await send(anime.view)).to.include({ kind: 'accepted', revision: 2n });
    expect(typesOf(await streamOfAnime(store, anime.id))).not.to.include('RatingGiven');
  });

  it('is repeated until the latest deadline of the commands that share it', async () => {
    const { anime, send, next } = await setUp();
    next(neverApply);
    // The repeat comes after 25 ms at least.
    const [hurried, patient] = [send(anime.click, { deadlineMs: 20 }), send(anime.rating)];
    expect(await hurried).to.deep.equal({ kind: 'outcome-unknown' });
    expect(await patient).to.include({ kind: 'accepted', revision: 2n });
  });

  it('is unknown only to the commands that it has events of', async () => {
    const { anime, send, next, appends } = await setUp();
    const gate = held();
    next(gate.fault);
    const limits = { deadlineMs: 50 };
    const sent = [send(anime.delist, limits), send(anime.click, limits)];
    expect(await Promise.all(sent)).to.deep.equal([
      { kind: 'outcome-unknown' },
      { kind: 'unavailable' },
    ]);
    expect(appends.at(-1)?.events).to.have.length(1);
    gate.release();
  });

  it('is resolved when the client repeats it with its key', async () => {
    const { anime, send, next, always } = await setUp();
    next(loseAnswer);
    always(neverApply);
    const lost = await send(anime.click, { ...withKey('k'), deadlineMs: 200 });
    expect(lost).to.deep.equal({ kind: 'outcome-unknown' });
    always(undefined);
    expect(await send(anime.click, withKey('k'))).to.include({ kind: 'replayed', revision: 1n });
    expect(await streamOfAnime(store, anime.id)).to.have.length(2);
  });

  it('is found in the stream when others appended after it', async () => {
    const { anime, send, next } = await setUp();
    const other = handlerOver(store);
    next(
      loseAnswer,
      afterOther(() => other.send(anime.rating)),
    );
    expect(await send(anime.click)).to.include({ kind: 'accepted', revision: 1n });
    expect(await send(anime.click)).to.include({ kind: 'accepted', revision: 3n });
    expect(typesOf(await streamOfAnime(store, anime.id))).to.deep.equal([
      'AnimeListed',
      'ClickRegistered',
      'RatingGiven',
      'ClickRegistered',
    ]);
  });

  it('is found in the stream where it was the first event and its repeat is a conflict', async () => {
    const anime = freshAnime();
    const { send, next } = handlerOver(store);
    next(loseAnswer, conflict);
    expect(await send(anime.list)).to.include({ kind: 'accepted', revision: 0n });
    expect(await streamOfAnime(store, anime.id)).to.have.length(1);
  });

  it('is found in the stream where its repeat is a conflict', async () => {
    const { anime, send, next, appends } = await setUp();
    const gate = held();
    next(gate.fault, loseAnswer, conflict);
    const sent = [send(anime.delist)];
    await eventually(() => expect(appends).to.have.length(2));
    sent.push(send(anime.list), send(anime.click), send(anime.click));
    gate.release();
    const results = await Promise.all(sent);
    const stored = await streamOfAnime(store, anime.id);
    expect(stored).to.have.length(5);
    expect(results.slice(1)).to.deep.equal(
      stored.slice(2).map(({ type, id: eventId, revision, position }) => ({
        kind: 'accepted',
        type,
        eventId,
        revision,
        position: position.commit,
      })),
    );
  });

  it('is not looked for any more once it is found', async () => {
    const { anime, send, next, eventsRead, drain } = await setUp();
    next(loseAnswer, conflict);
    expect(await send(anime.click)).to.include({ kind: 'accepted', revision: 1n });
    await drain();
    // The last that was known, and the one that was looked for.
    expect(eventsRead()).to.equal(2);
  });

  it('is unknown for those alone that it was about, each by its deadline', async () => {
    const { anime, send, next, appends } = await setUp();
    const gates = [held(), held()];
    next(...gates.map(({ fault }) => fault));
    const first = send(anime.click);
    await eventually(() => expect(appends).to.have.length(2));
    const delisting = send(anime.delist, { deadlineMs: 500 });
    const refused = send(anime.click, { deadlineMs: 500 });
    const listing = send(anime.list);
    gates[0]?.release();
    expect(await first).to.include({ kind: 'accepted', revision: 1n });
    expect(await delisting).to.deep.equal({ kind: 'outcome-unknown' });
    expect(await refused).to.deep.equal({ kind: 'unavailable' });
    gates[1]?.release();
    expect(await listing).to.include({ kind: 'accepted', revision: 3n });
    expect(appends.map(({ events }) => events.length)).to.deep.equal([1, 1, 2]);
  });

  it('is decided again when it was not written and others were', async () => {
    const { anime, send, next } = await setUp();
    const other = handlerOver(store);
    next(
      neverApply,
      afterOther(() => other.send(anime.delist)),
    );
    expect(await send(anime.click)).to.have.nested.property('rejection.code', 'ANIME_DELISTED');
    expect(await streamOfAnime(store, anime.id)).to.have.length(2);
  });
});
