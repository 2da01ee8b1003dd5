import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { snapshotStreamOf } from '../../../src/command-side/handling/snapshots.js';
import { StreamDeletedError, UnavailableError } from '../../../src/ports/errors.js';
import type { EventStore, RecordedEvent } from '../../../src/ports/event-store.js';
import type { JsonObject } from '../../../src/ports/json.js';
import {
  freshAnime,
  handlerOver,
  openStore,
  parsed,
  streamOfAnime,
} from '../../support/command-handler.js';
import { recordingLogger } from '../../support/recording-logger.js';

const EVERY = 20;

describe('snapshots', () => {
  let store: EventStore;
  let close: () => Promise<void>;
  before(async () => ({ store, close } = await openStore()));
  after(() => close());

  const withHistory = async (clicks: number) => {
    const anime = freshAnime();
    const process = handlerOver(store, { snapshotEvery: EVERY });
    await process.send(anime.list);
    for (let i = 0; i < clicks; i += 1) await process.send(anime.click);
    await process.drain();
    return anime;
  };

  const snapshotsOf = async (anime: ReturnType<typeof freshAnime>) => {
    const found: RecordedEvent[] = [];
    for await (const event of store.read(snapshotStreamOf(anime.id))) found.push(event);
    return found;
  };

  it('are written every so many events, and only the newest is kept', async () => {
    const anime = await withHistory(5 * EVERY);
    const [newest, ...others] = await snapshotsOf(anime);
    expect(others).to.deep.equal([]);
    expect(newest?.revision).to.equal(4n);
    expect(parsed(newest?.data ?? new Uint8Array())).to.deep.include({
      revision: String(5 * EVERY - 1),
      recent: [],
    });
  });

  it('are not written for a short stream', async () => {
    expect(await snapshotsOf(await withHistory(EVERY - 2))).to.deep.equal([]);
  });

  it('leave only the first event and a tail to be read, however long the stream', async () => {
    for (const clicks of [2 * EVERY + 5, 6 * EVERY + 5]) {
      const anime = await withHistory(clicks);
      const restarted = handlerOver(store, { snapshotEvery: EVERY });
      const revision = BigInt(clicks + 1);
      expect(await restarted.send(anime.click)).to.include({ kind: 'accepted', revision });
      expect(restarted.eventsRead()).to.be.at.most(2 * EVERY + 2);
    }
  });

  const forged = (revision: bigint, lastEventId: string): JsonObject => ({
    revision: String(revision),
    lastEventId,
    state: { status: 'delisted', details: { title: 'Forged' } as unknown as JsonObject },
    recent: [],
  });

  for (const [name, data] of [
    ['nonsense', { nonsense: true }],
    ['without a state', { ...forged(3n, 'x'), state: { status: 'listed', details: null } }],
    [
      'of an anime that was never listed, with details',
      { ...forged(3n, 'x'), state: { status: 'unlisted', details: { title: 'Forged' } } },
    ],
    ['without the id of the last event', { ...forged(3n, 'x'), lastEventId: 7 }],
    ['of another history', forged(3n, randomUUID())],
    ['ahead of the stream', forged(1_000_000n, randomUUID())],
  ] as const satisfies readonly (readonly [string, JsonObject])[]) {
    it(`are ignored when they are ${name}`, async () => {
      const anime = await withHistory(5);
      const snapshot = { id: randomUUID(), type: 'AnimeSnapshot', data, metadata: {} };
      await store.append(snapshotStreamOf(anime.id), 'no_stream', [snapshot]);
      const restarted = handlerOver(store, { snapshotEvery: 3 });
      expect(await restarted.send(anime.click)).to.include({ kind: 'accepted', revision: 6n });
    });
  }

  it('of older processes are used, which did not say where their stream begins', async () => {
    const anime = await withHistory(5);
    const stored = await streamOfAnime(store, anime.id);
    const data = {
      revision: '3',
      lastEventId: stored[3]?.id ?? '',
      state: { status: 'delisted', details: { title: 'Delisted' } },
      recent: [],
    };
    const snapshot = { id: randomUUID(), type: 'AnimeSnapshot', data, metadata: {} };
    await store.append(snapshotStreamOf(anime.id), 'no_stream', [snapshot]);
    const restarted = handlerOver(store, { snapshotEvery: 3 });
    expect(await restarted.send(anime.click)).to.have.nested.property(
      'rejection.code',
      'ANIME_DELISTED',
    );
  });

  it('are not needed for a long stream', async () => {
    const anime = freshAnime();
    const { send } = handlerOver(store, { snapshotEvery: 1000 });
    await send(anime.list);
    await Promise.all(Array.from({ length: 70 }, () => send(anime.click)));
    const restarted = handlerOver(store, { snapshotEvery: 1000 });
    expect(await restarted.send(anime.click)).to.include({ kind: 'accepted', revision: 71n });
  });

  it('are not needed where their stream was removed, and cannot be missed for another reason', async () => {
    const anime = await withHistory(5);
    let error: Error = new StreamDeletedError(snapshotStreamOf(anime.id));
    const broken: EventStore = {
      ...store,
      read: (stream, options) => {
        if (stream.startsWith('snapshot-')) throw error;
        return store.read(stream, options);
      },
    };
    const sent = () => handlerOver(broken, { snapshotEvery: 3 }).send(anime.click);
    expect(await sent()).to.include({ kind: 'accepted', revision: 6n });
    error = new UnavailableError('Away.');
    expect(await sent()).to.deep.equal({ kind: 'unavailable' });
  });

  it('are tried again after as many events, and their failure is said once', async () => {
    const anime = freshAnime();
    let failures = 2;
    const { logger, told } = recordingLogger();
    const failing: EventStore = {
      ...store,
      setMaxCount: async (...call) => {
        failures -= 1;
        if (failures >= 0) throw new UnavailableError('Away.');
        await store.setMaxCount(...call);
      },
    };
    const { send, drain } = handlerOver(failing, { snapshotEvery: 2 }, logger);
    await send(anime.list);
    for (let i = 1; i < 6; i += 1) {
      await send(anime.click);
    }
    await drain();
    expect(told()).to.deep.equal([
      'warn A snapshot was not saved',
      'info Snapshots are saved again',
    ]);
    expect(await snapshotsOf(anime)).to.have.length(1);
  });

  it('of another process are as good', async () => {
    const anime = freshAnime();
    const { logger, told } = recordingLogger();
    const racing: EventStore = {
      ...store,
      head: async (stream) =>
        stream.startsWith('snapshot-') ? Promise.resolve('no_stream') : store.head(stream),
    };
    const { send, drain } = handlerOver(racing, { snapshotEvery: 2 }, logger);
    await send(anime.list);
    for (let i = 0; i < 6; i += 1) await send(anime.click);
    await drain();
    expect(told()).to.deep.equal([]);
  });

  it('may fail to be written without failing a command', async () => {
    const anime = freshAnime();
    const broken: EventStore = {
      ...store,
      setMaxCount: () => Promise.reject(new Error('no')),
    };
    const { send, drain } = handlerOver(broken, { snapshotEvery: 2 });
    await send(anime.list);
    for (let i = 0; i < 10; i += 1) {
      expect(await send(anime.click)).to.include({ kind: 'accepted' });
    }
    await drain();
    expect(await snapshotsOf(anime)).to.deep.equal([]);
  });
});
