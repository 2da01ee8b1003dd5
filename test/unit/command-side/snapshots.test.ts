import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { foldHash } from '../../../src/command-side/handling/cached-aggregate.js';
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
  withKey,
} from '../../support/command-handler.js';
import { eventually } from '../../support/eventually.js';
import { recordingLogger } from '../../support/recording-logger.js';

const EVERY = 20;

describe('snapshots', () => {
  let store: Awaited<ReturnType<typeof openStore>>['store'];
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

  /** A snapshot at a revision that says the anime is delisted, so it shows whether it was used. */
  const delistedAt = async (anime: ReturnType<typeof freshAnime>, revision: bigint) => {
    const stored = await streamOfAnime(store, anime.id);
    const last = stored.find((event) => event.revision === revision);
    return {
      revision: String(revision),
      lastEventId: last?.id ?? randomUUID(),
      state: { status: 'delisted', details: { title: 'Delisted' } },
      recent: [],
    };
  };

  const appendSnapshots = async (anime: ReturnType<typeof freshAnime>, ...all: JsonObject[]) => {
    const snapshots = all.map((data) => ({ id: randomUUID(), type: 'AnimeSnapshot', data }));
    await store.append(
      snapshotStreamOf(anime.id),
      'no_stream',
      snapshots.map((snapshot) => ({ ...snapshot, metadata: {} })),
    );
  };

  /** The response to a click after a restart, and what was logged. */
  const restartedOver = async (anime: ReturnType<typeof freshAnime>) => {
    const { logger, lines } = recordingLogger();
    const response = await handlerOver(store, { snapshotEvery: 3 }, logger).send(anime.click);
    return { response, lines };
  };

  for (const [name, damage] of [
    ['nonsense', { nonsense: true, state: undefined }],
    ['without details', { state: { status: 'listed', details: null } }],
    ['without a title', { state: { status: 'listed', details: {} } }],
    [
      'of an anime that was never listed',
      { state: { status: 'unlisted', details: { title: 'Forged' } } },
    ],
    ['without the id of the last event', { lastEventId: 7 }],
    ['without a revision', { revision: 'three' }],
  ] as const) {
    it(`are ignored, which is logged, when they are ${name}`, async () => {
      const anime = await withHistory(5);
      const { state, ...rest } = await delistedAt(anime, 3n);
      const damaged = JSON.stringify({ state, ...rest, ...damage });
      await appendSnapshots(anime, JSON.parse(damaged) as JsonObject);
      const { response, lines } = await restartedOver(anime);
      expect(response).to.include({ kind: 'accepted', revision: 6n });
      const [line, ...others] = lines;
      expect(others).to.deep.equal([]);
      expect(line).to.deep.include({ level: 'warn', message: 'Snapshot ignored' });
      expect(line?.data).to.include({ stream: snapshotStreamOf(anime.id) });
      expect(line?.data['error']).to.be.an('error');
    });
  }

  for (const [name, difference] of [
    ['of another history', { lastEventId: randomUUID() }],
    ['ahead of the stream', { revision: '1000000' }],
  ] as const) {
    it(`are not used when they are ${name}`, async () => {
      const anime = await withHistory(5);
      await appendSnapshots(anime, { ...(await delistedAt(anime, 3n)), ...difference });
      const { response, lines } = await restartedOver(anime);
      expect(response).to.include({ kind: 'accepted', revision: 6n });
      expect(lines).to.deep.equal([]);
    });
  }

  it('of older processes are used, which did not say where their stream begins', async () => {
    const anime = await withHistory(5);
    await appendSnapshots(anime, await delistedAt(anime, 3n));
    const { response, lines } = await restartedOver(anime);
    expect(response).to.have.nested.property('rejection.code', 'ANIME_DELISTED');
    expect(lines).to.deep.equal([]);
  });

  it('are read from the newest where older ones were kept', async () => {
    const anime = await withHistory(5);
    const older = await delistedAt(anime, 2n);
    const state = { status: 'listed', details: { title: 'Listed' } };
    await appendSnapshots(anime, older, { ...(await delistedAt(anime, 3n)), state });
    const { response } = await restartedOver(anime);
    expect(response).to.include({ kind: 'accepted', revision: 6n });
  });

  it('have another stream with another fold', () => {
    expect(snapshotStreamOf(freshAnime().id)).to.match(/^snapshot-anime-\d+-[0-9a-f]{12}$/);
    expect(foldHash('one', {})).not.to.equal(foldHash('another', {}));
    expect(foldHash('one', {})).not.to.equal(foldHash('one', { status: 'unlisted' }));
  });

  it('keep the newest 1,024 commands with a key', async () => {
    const anime = freshAnime();
    const { send, drain } = handlerOver(store, { snapshotEvery: 1051 });
    await send(anime.list);
    const sent = Array.from({ length: 1050 }, (_, n) => send(anime.click, withKey(`${n}`)));
    const results = await Promise.all(sent);
    await drain();
    const [snapshot] = await snapshotsOf(anime);
    const { recent } = parsed(snapshot?.data ?? new Uint8Array()) as {
      recent: readonly (readonly string[])[];
    };
    const kept = results.slice(-1024).map((result) => 'eventId' in result && result.eventId);
    expect(recent.map(([, eventId]) => eventId)).to.deep.equal(kept);
  });

  describe('of a stream that was deleted and begun again', () => {
    /** Its second history has revisions from 7 on, and so many clicks. */
    const begunAgain = async (clicks: number, snapshotEvery: number) => {
      const anime = freshAnime();
      const first = handlerOver(store, { snapshotEvery: 3 });
      await first.send(anime.list);
      await first.send(anime.click, withKey('k'));
      for (let n = 0; n < 5; n += 1) await first.send(anime.click);
      await first.drain();
      await store.deleteStream(anime.stream);
      const second = handlerOver(store, { snapshotEvery });
      expect(await second.send(anime.list)).to.include({ kind: 'accepted', revision: 7n });
      for (let n = 0; n < clicks; n += 1) await second.send(anime.click);
      await second.drain();
      return anime;
    };

    it('are used where they are of its new history', async () => {
      const anime = await begunAgain(3 * EVERY, EVERY);
      const { send, eventsRead } = handlerOver(store, { snapshotEvery: EVERY });
      expect(await send(anime.click)).to.include({ kind: 'accepted', revision: 68n });
      expect(eventsRead()).to.be.at.most(2 * EVERY + 2);
    });

    it('are not used where they are of its old history', async () => {
      const anime = await begunAgain(EVERY, 1000);
      const { send, eventsRead } = handlerOver(store, { snapshotEvery: EVERY });
      const keyed = await send(anime.click, withKey('k'));
      expect(keyed).to.include({ kind: 'accepted', revision: 28n });
      // The first read, the snapshot, the event that is not the snapshot's, and all events.
      expect(eventsRead()).to.equal(EVERY + 1 + 1 + EVERY + 1);
    });

    it('are not used where they do not say which history they are of', async () => {
      const anime = await begunAgain(5, 1000);
      const snapshot = await delistedAt(anime, 9n);
      const stream = snapshotStreamOf(anime.id);
      await store.append(stream, await store.head(stream), [
        { id: randomUUID(), type: 'AnimeSnapshot', data: snapshot, metadata: {} },
      ]);
      const { response } = await restartedOver(anime);
      expect(response).to.include({ kind: 'accepted', revision: 13n });
    });
  });

  it('limit their stream once, and are saved one at a time', async () => {
    const anime = freshAnime();
    const limited: number[] = [];
    let begun = 0;
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const slow: EventStore = {
      ...store,
      head: async (stream) => {
        if (stream.startsWith('snapshot-')) {
          begun += 1;
          await gate;
        }
        return store.head(stream);
      },
      setMaxCount: (stream, count) => {
        limited.push(count);
        return store.setMaxCount(stream, count);
      },
    };
    const { send, drain } = handlerOver(slow, { snapshotEvery: 2 });
    await send(anime.list);
    for (let n = 0; n < 5; n += 1) await send(anime.click);
    expect(begun).to.equal(1);
    release();
    await eventually(async () => expect(await snapshotsOf(anime)).to.have.length(1));
    for (let n = 0; n < 5; n += 1) await send(anime.click);
    await drain();
    expect(begun).to.be.greaterThan(1);
    expect(limited).to.deep.equal([1]);
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
    const { logger, lines, told } = recordingLogger();
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
    expect(lines[0]?.data).to.include({ stream: snapshotStreamOf(anime.id) });
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
