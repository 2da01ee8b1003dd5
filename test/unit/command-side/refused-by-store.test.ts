import type { StreamDeletion } from '../../support/stream-deletion.js';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'chai';
import { PortError, TooLargeError, UnavailableError } from '../../../src/ports/errors.js';
import type { EventStore } from '../../../src/ports/event-store.js';
import { eventually } from '../../support/eventually.js';
import { held, refuse } from '../../support/faulty-event-store.js';
import { recordingLogger } from '../../support/recording-logger.js';
import { rejectionOf } from '../../support/rejection-of.js';
import {
  freshAnime,
  handlerOver,
  openStore,
  streamOfAnime,
} from '../../support/command-handler.js';

describe('a command that cannot be recorded', () => {
  let store: EventStore & StreamDeletion;
  let close: () => Promise<void>;
  before(async () => ({ store, close } = await openStore()));
  after(() => close());

  const setUp = async (limits = {}) => {
    const anime = freshAnime();
    const process = handlerOver(store, limits);
    await process.send(anime.list);
    return { anime, ...process };
  };

  it('is gone where the stream is tombstoned', async () => {
    const { anime, send } = await setUp();
    await store.tombstoneStream(anime.stream);
    expect(await send(anime.click)).to.deep.equal({ kind: 'gone' });
    expect(await send(anime.list)).to.deep.equal({ kind: 'gone' });
    expect(await handlerOver(store).send(anime.list)).to.deep.equal({ kind: 'gone' });
  });

  for (const [code, kind] of [
    ['ACCESS_DENIED', 'access-denied'],
    ['CORRUPT', 'refused-by-store'],
    ['NOT_SUPPORTED', 'refused-by-store'],
  ] as const) {
    it(`is ${kind}, not unavailable, where the store returns ${code} to a read or an append`, async () => {
      const { anime, send, always } = await setUp();
      const error = new PortError(code, 'No.', false);
      always(() => Promise.reject(error));
      expect(await send(anime.click)).to.deep.equal({ kind });
      const restarted = handlerOver(store);
      restarted.readsFail(error);
      expect(await restarted.send(anime.click)).to.deep.equal({ kind });
    });
  }

  it('is refused on a truncated stream also where its metadata may not be read', async () => {
    const { anime, send } = await setUp();
    await send(anime.click);
    await store.setMaxCount(anime.stream, 1);
    let error: Error = new PortError('ACCESS_DENIED', 'No.', false);
    const denying: EventStore = {
      ...store,
      read: (stream, options) => {
        if (stream.startsWith('$$')) throw error;
        return store.read(stream, options);
      },
    };
    const detailOf = async (from: EventStore) => {
      const result = await handlerOver(from).send(anime.click);
      return 'problem' in result ? result.problem.detail : result;
    };
    const detail = `The history of ${anime.stream} was truncated: it begins at revision 1`;
    expect(await detailOf(store)).to.equal(`${detail} ($maxCount is 1).`);
    expect(await detailOf(denying)).to.equal(`${detail}.`);
    error = new TypeError('A bug.');
    expect(await rejectionOf(detailOf(denying))).to.equal(error);
  });

  it('is unavailable at once while the store is, and accepted when it is back', async () => {
    const { anime, send, always } = await setUp();
    always(refuse);
    expect(await send(anime.click)).to.deep.equal({ kind: 'unavailable' });
    always(undefined);
    expect(await send(anime.click)).to.include({ kind: 'accepted', revision: 1n });
  });

  it('is accepted when the store refuses once, as it does when its leader changes', async () => {
    const { anime, send, next } = await setUp();
    next(refuse);
    expect(await send(anime.click)).to.include({ kind: 'accepted', revision: 1n });
  });

  it('is unavailable while its state cannot be read', async () => {
    const { anime } = await setUp();
    const { send, readsFail } = handlerOver(store);
    readsFail(new UnavailableError('The store is down.'));
    expect(await send(anime.click)).to.deep.equal({ kind: 'unavailable' });
    readsFail(undefined);
    expect(await send(anime.click)).to.include({ kind: 'accepted' });
  });

  it('is unavailable where reading its state takes too long', async () => {
    const { anime } = await setUp();
    const slow: EventStore = {
      ...store,
      async *read(stream, { signal } = {}) {
        await new Promise<void>((resolve) =>
          signal?.addEventListener('abort', () => resolve(), { once: true }),
        );
        yield* store.read(stream, { from: 99n });
      },
    };
    const { send } = handlerOver(slow, { loadTimeoutMs: 10 });
    expect(await send(anime.list)).to.deep.equal({ kind: 'unavailable' });
  });

  it('is logged once when its state cannot be read, and once when it can be again', async () => {
    const { anime } = await setUp();
    const { logger, told } = recordingLogger();
    const { send, readsFail } = handlerOver(store, {}, logger);
    for (let outage = 0; outage < 2; outage += 1) {
      readsFail(new UnavailableError('The store is down.'));
      for (let command = 0; command < 3; command += 1) await send(freshAnime().click);
      readsFail(undefined);
      await send(outage === 0 ? anime.click : freshAnime().click);
    }
    const once = ['warn Commands not decided', 'info Commands are decided again'];
    expect(told()).to.deep.equal([...once, ...once]);
  });

  it('ends no outage of reads where its anime was in memory', async () => {
    const { anime } = await setUp();
    const { logger, told } = recordingLogger();
    const { send, readsFail } = handlerOver(store, {}, logger);
    await send(anime.click);
    readsFail(new UnavailableError('The store is down.'));
    expect(await send(freshAnime().click)).to.deep.equal({ kind: 'unavailable' });
    expect(await send(anime.click)).to.include({ kind: 'accepted' });
    expect(told()).to.deep.equal(['warn Commands not decided']);
  });

  it('is appended alone when a batch is too large, and too large only by itself', async () => {
    const { anime, send, next, always, appends } = await setUp();
    const gate = held();
    next(gate.fault);
    const sent = [send(anime.click)];
    await eventually(() => expect(appends).to.have.length(2));
    always(({ events, forward }) =>
      events.length > 1 || events[0]?.type === 'RatingGiven'
        ? Promise.reject(new TooLargeError('too large'))
        : forward(),
    );
    sent.push(send(anime.view), send(anime.rating), send(anime.click));
    gate.release();
    const kinds = (await Promise.all(sent)).map(({ kind }) => kind);
    expect(kinds).to.deep.equal(['accepted', 'accepted', 'too-large', 'accepted']);
    expect(await streamOfAnime(store, anime.id)).to.have.length(4);
  });

  const OVERLOADED = { kind: 'overloaded' };

  it('is refused when as many wait for its anime as may', async () => {
    const { anime, send, next, appends } = await setUp({ waitingPerAnime: 3 });
    const gate = held();
    next(gate.fault);
    const sent = [send(anime.click)];
    await eventually(() => expect(appends).to.have.length(2));
    for (let n = 0; n < 3; n += 1) sent.push(send(anime.click));
    expect(await send(anime.click)).to.deep.equal(OVERLOADED);
    gate.release();
    for (const result of await Promise.all(sent)) expect(result).to.include({ kind: 'accepted' });
    expect(await send(anime.click)).to.include({ kind: 'accepted', revision: 5n });
  });

  it('is refused when as many are under way in total as may', async () => {
    const { anime, send, next } = await setUp({ waitingInAll: 2 });
    const [first, second] = [held(), held()];
    next(first.fault, second.fault);
    const sent = [send(anime.click), send(freshAnime().list)];
    expect(await send(freshAnime().list)).to.deep.equal(OVERLOADED);
    first.release();
    second.release();
    for (const result of await Promise.all(sent)) expect(result).to.include({ kind: 'accepted' });
    expect(await send(anime.click)).to.include({ kind: 'accepted', revision: 2n });
  });

  it('is no longer under way, and that once, where it is written after its deadline', async () => {
    const { anime, send, next } = await setUp({ waitingInAll: 1 });
    const [late, gate] = [held(), held()];
    next(late.fault);
    expect(await send(anime.click, { deadlineMs: 20 })).to.include({ kind: 'outcome-unknown' });
    late.release();
    expect(await send(anime.click)).to.include({ kind: 'accepted', revision: 2n });
    next(gate.fault);
    const underWay = send(anime.click);
    expect(await send(anime.click)).to.deep.equal(OVERLOADED);
    gate.release();
    expect(await underWay).to.include({ kind: 'accepted', revision: 3n });
  });

  it('is refused once the handler drains, which waits for those in flight', async () => {
    const { anime, send, next, drain, appends } = await setUp();
    const [gate, other] = [held(), held()];
    next(gate.fault, other.fault);
    const underWay = send(anime.click);
    await eventually(() => expect(appends).to.have.length(2));
    const last = send(freshAnime().list);
    await eventually(() => expect(appends).to.have.length(3));
    let drained = false;
    const draining = Promise.all([drain(), drain()]).then(() => (drained = true));
    expect(await send(anime.click)).to.deep.equal({ kind: 'overloaded' });
    expect(drained).to.equal(false);
    gate.release();
    expect(await underWay).to.include({ kind: 'accepted' });
    await nextTurn();
    expect(drained).to.equal(false);
    other.release();
    await draining;
    expect(await last).to.include({ kind: 'accepted' });
  });

  it('rejects with an error also where something else was thrown', async () => {
    const { anime, send, next } = await setUp();
    next(async ({ forward }) => {
      AbortSignal.abort('nothing').throwIfAborted();
      return await forward();
    });
    const error = await rejectionOf(send(anime.click));
    expect(error).to.be.instanceOf(Error).and.include({ cause: 'nothing' });
    expect(error).to.have.property('message', 'Something was thrown that is no error');
  });

  it('rejects for a bug, and the next is decided on the stream', async () => {
    const { anime, send, next } = await setUp();
    const bug = new TypeError('x is not a function');
    next(async ({ forward }) => {
      await forward();
      throw bug;
    });
    expect(await rejectionOf(send(anime.delist))).to.equal(bug);
    expect(await send(anime.click)).to.have.nested.property('rejection.code', 'ANIME_DELISTED');
  });
});
