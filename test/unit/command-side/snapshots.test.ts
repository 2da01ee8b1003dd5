import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { snapshotStreamOf } from '../../../src/command-side/handling/snapshots.js';
import type { EventStore, RecordedEvent } from '../../../src/ports/event-store.js';
import type { JsonObject } from '../../../src/ports/json.js';
import { freshAnime, handlerOver, openStore, parsed } from '../../support/command-handler.js';

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
    ['of another history', forged(3n, randomUUID())],
    ['ahead of the stream', forged(1_000_000n, randomUUID())],
  ] as const) {
    it(`are ignored when they are ${name}`, async () => {
      const anime = await withHistory(5);
      const snapshot = { id: randomUUID(), type: 'AnimeSnapshot', data, metadata: {} };
      await store.append(snapshotStreamOf(anime.id), 'no_stream', [snapshot]);
      const restarted = handlerOver(store);
      expect(await restarted.send(anime.click)).to.include({ kind: 'accepted', revision: 6n });
    });
  }

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
