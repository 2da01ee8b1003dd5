import { expect } from 'chai';
import { openEmbeddedReadStore } from '../../../src/adapters/embedded/read-store/open-read-store.js';
import { openProjectors } from '../../../src/compose/projectors.js';
import { ownVersions } from '../../../src/compose/versions.js';
import { ConfigError, loadConfig } from '../../../src/platform/config/config.js';
import { createHealth } from '../../../src/platform/observability/health.js';
import { createLifecycle } from '../../../src/platform/lifecycle.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import { createMetrics } from '../../../src/platform/observability/metrics.js';
import { UnavailableError } from '../../../src/ports/errors.js';
import type { BatchHandler, BusConsumer, EventBus, Offsets } from '../../../src/ports/event-bus.js';
import { eventually } from '../../support/eventually.js';
import { animeId, events } from '../../support/examples.js';
import { LOG_ID, logOf, type Happening } from '../../support/histories.js';
import { inMemoryDeadLetters } from '../../support/in-memory-dead-letters.js';
import { batchOf } from '../../support/projecting.js';
import { aBatch, anAnimeDocument, openTemporaryReadStore } from '../../support/read-store.js';

/** A bus that keeps its items; the tests check only which groups consume. */
const scriptedBus = () => {
  const members = new Map<string, BatchHandler>();
  const forgotten: string[] = [];
  let refusals = 0;
  let hangs = false;
  let inUse: Offsets | null = null;
  let leave = (): void => undefined;
  const consumer = (group: string): BusConsumer => ({
    start: (handler) => {
      if (hangs) {
        return new Promise((_, reject) => {
          leave = () => reject(new UnavailableError('The consumer was stopped.'));
        });
      }
      if (refusals > 0) {
        refusals -= 1;
        return Promise.reject(new UnavailableError('No broker.'));
      }
      members.set(group, handler);
      return Promise.resolve();
    },
    stop: () => {
      leave();
      members.delete(group);
      return Promise.resolve();
    },
    healthy: () => members.has(group),
  });
  const bus = {
    consumer,
    forget: (group: string) => {
      if (inUse !== null) return Promise.resolve(false);
      forgotten.push(group);
      return Promise.resolve(true);
    },
    committed: () => Promise.resolve(inUse ?? new Map<number, bigint>()),
    members: () => Promise.resolve(inUse === null ? 0 : 1),
  } as unknown as EventBus;
  return {
    bus,
    members,
    forgotten,
    refuseStarts: (times: number) => void (refusals = times),
    hang: () => void (hangs = true),
    /** Other members of every group, and their committed offset. */
    isUsed: (committed: Offsets) => void (inUse = committed),
  };
};

const given = async (
  history: readonly Happening[] = [{ anime: 1, event: events.listed }],
  before?: (dataDir: string) => Promise<void>,
  environment: NodeJS.ProcessEnv = {},
) => {
  const { store: readStore, stop } = await openTemporaryReadStore(before);
  const logger = silentLogger();
  const metrics = createMetrics({ processMetrics: false });
  const lifecycle = createLifecycle({ logger, timeoutMs: 5_000 });
  const health = createHealth({ service: 'test', version: '0', logger, cacheMs: 0 });
  const config = loadConfig({ NODE_ENV: 'test', ...environment });
  const stopping = new AbortController();
  const { signal } = stopping;
  const scripted = scriptedBus();
  const { store: eventStore, items } = logOf(history);
  const identity = await readStore.identity();
  const open = async () => {
    await readStore.createVersion('v1', LOG_ID);
    const versions = await ownVersions(readStore, LOG_ID);
    const deadLetters = inMemoryDeadLetters();
    const parts = { bus: scripted.bus, deadLetters, eventStore, readStore, versions };
    return openProjectors(
      { config, logger, lifecycle, metrics, health, signal },
      { ...parts, logId: LOG_ID, keeps: true, lookEveryMs: 5, sessionMs: 5 },
    );
  };
  return {
    ...scripted,
    readStore,
    eventStore,
    items,
    open,
    metrics,
    health,
    V1: `anime-read-model-v1-${identity}`,
    V2: `anime-read-model-v2-${identity}`,
    problems: async () => (await health.report()).problems,
    abort: () => stopping.abort(),
    isHealthy: async () => (await health.report()).status === 'healthy',
    deliver: (group: string, ...delivered: typeof items) =>
      scripted.members.get(group)?.(batchOf(delivered)),
    stop: async () => {
      await lifecycle.close();
      await stop();
    },
  };
};

describe('the projectors of the versions', () => {
  let service: Awaited<ReturnType<typeof given>>;
  let V1: string;
  let V2: string;
  beforeEach(async () => {
    service = await given();
    ({ V1, V2 } = service);
  });
  afterEach(() => service.stop());

  const fed = (...groups: string[]) =>
    eventually(() => expect([...service.members.keys()]).to.have.members(groups));

  it('start for a version that is added, and stop for one that is pruned', async () => {
    await service.open();
    await fed(V1);
    await service.readStore.createVersion('v2', LOG_ID);
    await fed(V1, V2);
    await service.readStore.prune('v2');
    await fed(V1);
    expect(await service.isHealthy()).to.be.true;
  });

  it('have the gauges of a version at 0 before its first event, and none once it is pruned', async () => {
    const gauges = async () => {
      const { projectorLagSeconds, projectorWaiting } = service.metrics;
      const all = await Promise.all([projectorLagSeconds.get(), projectorWaiting.get()]);
      return all.map(({ values }) => values.map(({ labels, value }) => [labels.version, value]));
    };
    await service.open();
    await fed(V1);
    expect(await gauges()).to.deep.equal([[['v1', 0]], [['v1', 0]]]);
    await service.readStore.createVersion('v2', LOG_ID);
    await fed(V1, V2);
    await service.readStore.prune('v2');
    await fed(V1);
    await eventually(async () => expect(await gauges()).to.deep.equal([[['v1', 0]], [['v1', 0]]]));
  });

  it('report in /health streams with unreadable events of an earlier process, once the service has started', async () => {
    const process = await given([
      { anime: 1, event: events.listed },
      { anime: 1, event: 'unknown type' },
    ]);
    try {
      const last = process.items[1];
      if (last?.kind !== 'event') expect.fail();
      await process.readStore.createVersion('v1', LOG_ID);
      const document = anAnimeDocument({ revision: 1, skipped: [1], lastEventId: last.event.id });
      await process.readStore.documents('v1').save(aBatch({ animes: [document] }));
      process.health.starting();
      await process.open();
      expect(await process.problems()).to.equal(undefined);
      process.health.started();
      await eventually(async () =>
        expect(await process.problems()).to.have.nested.property('events-not-counted.count', 1),
      );
    } finally {
      await process.stop();
    }
  });

  it('report in /health, once for all versions, streams with unreadable events and quarantined anime', async () => {
    const unreadable = { anime: 1, event: 'unknown type' } as const;
    const click = { anime: 1, event: events.click };
    const process = await given([{ anime: 1, event: events.listed }, unreadable, click, click]);
    await process.readStore.createVersion('v2', LOG_ID);
    await process.open();
    const groups = [process.V1, process.V2];
    await eventually(() => expect([...process.members.keys()]).to.have.members(groups));
    const [first, second, , last] = process.items;
    if (first === undefined || second === undefined || last === undefined) expect.fail();
    expect(await process.problems()).to.equal(undefined);

    for (const group of groups) await process.deliver(group, first, second);
    expect(await process.problems()).to.have.nested.property('events-not-counted.count', 1);
    const { values } = await process.metrics.projectorUnread.get();
    expect(values.map(({ labels, value }) => [labels.version, value])).to.have.deep.members([
      ['v1', 1],
      ['v2', 1],
    ]);

    await process.eventStore.deleteStream('anime-1');
    for (const group of groups) await process.deliver(group, last);
    const problems = await process.problems();
    expect(problems).to.have.nested.property('anime-not-followed.count', 1);
    expect(problems?.['anime-not-followed']?.streams[0]).to.include({
      stream: 'anime-1',
      detail: 'The documents of anime-1 are no longer updated. Stream anime-1 was deleted.',
    });
    await process.stop();
  });

  it('apply an event that came too early once its stream has it, without another event', async () => {
    const click = { anime: 1, event: events.click } as const;
    const process = await given([{ anime: 1, event: events.listed }, click]);
    const [listed, late] = process.items;
    if (listed === undefined || late === undefined) expect.fail();
    process.eventStore.keepFirst(1);
    await process.open();
    await eventually(() => expect([...process.members.keys()]).to.deep.equal([process.V1]));
    await process.deliver(process.V1, listed, late);
    process.eventStore.record('anime-1', { ...late.event, metadata: {} });
    await eventually(async () => {
      const [document] = await process.readStore.documents('v1').animes([animeId(1)]);
      expect(document?.revision).to.equal(1);
    });
    await process.stop();
  });

  it('ignore the version of another log', async () => {
    await service.open();
    await service.readStore.createVersion('foreign', 'another-log');
    await service.readStore.createVersion('v2', LOG_ID);
    await fed(V1, V2);
  });

  it('ignore the version of another release, and build one of their own', async () => {
    const other = await given(undefined, async (dataDir) => {
      const examples = aBatch({ animes: [anAnimeDocument({ clicks: 77 })] });
      const store = await openEmbeddedReadStore({ dataDir, logger: silentLogger(), examples });
      await store.createVersion('v1', LOG_ID);
      await store.close();
    });
    try {
      const projectors = await other.open();
      await eventually(() => expect([...other.members.keys()]).to.deep.equal([other.V2]));
      expect(projectors.fed()).to.deep.equal(['v2']);
      expect(projectors.waiting('v2')).to.equal(0);
      expect(projectors.waiting('v1')).to.equal(null);
    } finally {
      await other.stop();
    }
  });

  it('wait for a bus that does not admit them yet', async () => {
    service.refuseStarts(2);
    await service.open();
    await fed(V1);
  });

  it('retry a version whose consumer could not start, and are unhealthy until then', async () => {
    await service.open();
    service.refuseStarts(Infinity);
    await service.readStore.createVersion('v2', LOG_ID);
    await eventually(async () => expect(await service.isHealthy()).to.be.false);
    service.refuseStarts(0);
    await fed(V1, V2);
    await eventually(async () => expect(await service.isHealthy()).to.be.true);
  });

  it('reset the offsets of a group where there are no documents, and only there', async () => {
    await service.open();
    expect(service.forgotten).to.deep.equal([V1]);
    await service.deliver(V1, ...service.items);
    await service.open();
    expect(service.forgotten).to.deep.equal([V1]);
  });

  it('start from the beginning for a version that was pruned and created again under its name', async () => {
    await service.open();
    await service.readStore.createVersion('v2', LOG_ID);
    await fed(V1, V2);
    await service.deliver(V2, ...service.items);
    await service.readStore.prune('v2');
    await service.readStore.createVersion('v2', LOG_ID);
    await eventually(() => expect(service.forgotten).to.deep.equal([V1, V2, V2]));
    await fed(V1, V2);
  });

  describe('of documents that other processes may update, too', () => {
    let shared: Awaited<ReturnType<typeof given>>;
    beforeEach(async () => {
      shared = await given(undefined, undefined, { MONGODB_URL: 'mongodb://127.0.0.1' });
    });
    afterEach(() => shared.stop());

    it('join members that fill the same empty documents', async () => {
      shared.isUsed(new Map());
      await shared.open();
      expect([...shared.members.keys()]).to.deep.equal([shared.V1]);
    });

    it('refuse a group that others use for their own documents, and name the settings', async () => {
      shared.isUsed(new Map([[0, 5n]]));
      const error: unknown = await shared.open().catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(ConfigError);
      expect((error as Error).message).to.match(/^KAFKA_GROUP, MONGODB_DATABASE: /);
    });
  });

  it('refuse embedded documents that are a copy of those that another process updates', async () => {
    service.isUsed(new Map([[0, 5n]]));
    const error: unknown = await service.open().catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(ConfigError);
    expect((error as Error).message).to.match(/^DATA_DIR: .*read-models are a copy/);
    expect([...service.members.keys()]).to.deep.equal([]);
  });

  it('stop joining as soon as the service stops', async () => {
    service.hang();
    const opening = service.open().then(
      () => 'opened',
      () => 'gave up',
    );
    service.abort();
    expect(await opening).to.equal('gave up');
  });

  it('are unhealthy while they refuse the records of another log', async () => {
    await service.open();
    const [listed] = service.items;
    if (listed === undefined) expect.fail();
    await service.deliver(V1, { ...listed, logId: 'another' })?.catch(() => undefined);
    expect(await service.isHealthy()).to.be.false;
  });
});
