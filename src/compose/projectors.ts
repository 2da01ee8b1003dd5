import { createProjector, type Projector } from '../read-side/projector.js';
import { pause } from '../platform/retry.js';
import { linkedSpan } from '../platform/trace-context.js';
import type { BusConsumer } from '../ports/event-bus.js';
import type { EventStore } from '../ports/event-store.js';
import type { DocumentStore, ReadStore, VersionRecord } from '../ports/read-store.js';
import type { OpenedBus } from './bus.js';
import type { Needs } from './needs.js';
import { unless } from './unless.js';
import { whenAvailable } from './when-available.js';

export interface ProjectorParts extends OpenedBus {
  readonly eventStore: EventStore;
  readonly readStore: ReadStore;
  readonly logId: string;
  /** Those that are there at the start. */
  readonly versions: readonly VersionRecord[];
  /** How often it is looked for versions that came or went. */
  readonly lookEveryMs?: number;
}

interface Fed {
  readonly projector: Projector;
  readonly consumer: BusConsumer;
  /** Records that wait, by partition, as the last batch told. */
  readonly waiting: Map<number, number>;
}

export interface Projectors {
  /** Records of the bus that are not in the version's documents yet, as far as it is known. */
  waiting(version: string): number;
}

/** Longer than a bus keeps the place of a member that died. */
const SESSION_MS = 20_000;
const ASK_AGAIN_AFTER_MS = 500;

/**
 * A projector for every version of the read models, each with a group of its own. On a bus that
 * keeps its records versions are taken up and let go as they come and go; on one that keeps nothing
 * a version that comes later would have missed the beginning, and is fed from the next start on.
 */
export const openProjectors = async (
  needs: Needs & { readonly signal: AbortSignal },
  parts: ProjectorParts,
): Promise<Projectors> => {
  const { config, logger, life, metrics, health } = needs;
  const { bus, readStore, keeps, logId, versions, lookEveryMs = 1_000 } = parts;
  const fed = new Map<string, Fed>();
  const stopping = new AbortController();
  /** Why not every version is fed. */
  let trouble: string | null = null;

  const begin = async ({ name: version }: VersionRecord): Promise<void> => {
    const group = `${config.kafka.group}-${version}`;
    const documents = readStore.documents(version);
    await beginAnewIfEmpty(documents, () => bus.forget(group), stopping.signal);
    const projector = createProjector({ ...parts, documents, logger, metrics });
    const consumer = bus.consumer(group);
    const waiting = new Map<number, number>();
    try {
      await consumer.start(async (batch) => {
        const traces = batch.records.map(({ headers }) => headers['traceparent']);
        await linkedSpan(`project ${version}`, traces, () => projector.handle(batch));
        waiting.set(batch.partition, batch.waiting);
        metrics.projectorWaiting.set({ version, partition: batch.partition }, batch.waiting);
      });
    } catch (error) {
      await consumer.stop();
      throw error;
    }
    fed.set(version, { projector, consumer, waiting });
    logger.info('A version of the read models is fed', { version, group });
  };

  const end = async (version: string): Promise<void> => {
    const last = fed.get(version);
    fed.delete(version);
    await last?.consumer.stop();
    for (const partition of last?.waiting.keys() ?? []) {
      metrics.projectorWaiting.remove({ version, partition });
    }
    logger.info('A version of the read models is no longer fed', { version });
  };

  const follow = async (): Promise<void> => {
    for (;;) {
      await pause(lookEveryMs, stopping.signal);
      if (stopping.signal.aborted) return;
      try {
        await catchUp((await readStore.versions()).filter((version) => version.logId === logId));
        trouble = null;
      } catch (error) {
        trouble = error instanceof Error ? error.message : 'The versions cannot be followed.';
        logger.warn('The versions of the read models could not be followed', { error });
      }
    }
  };

  const catchUp = async (wanted: readonly VersionRecord[]): Promise<void> => {
    const names = new Set(wanted.map(({ name }) => name));
    for (const version of [...fed.keys()]) if (!names.has(version)) await end(version);
    for (const version of wanted) if (!fed.has(version.name)) await begin(version);
  };

  let following: Promise<void> = Promise.resolve();
  await life.open(
    'projectors',
    async () => {
      for (const version of versions) {
        const waits = { server: 'bus', logger, signal: needs.signal };
        await whenAvailable(() => begin(version), waits);
      }
      if (keeps) following = follow();
    },
    async () => {
      stopping.abort();
      await following;
      await Promise.all([...fed.values()].map(({ consumer }) => consumer.stop()));
    },
  );
  health.register('projector', () => {
    const problem = trouble ?? [...fed].map(problemOf).find((each) => each !== null) ?? null;
    return unless(problem === null, problem ?? '');
  });

  return {
    waiting: (version) =>
      [...(fed.get(version)?.waiting.values() ?? [])].reduce((sum, each) => sum + each, 0),
  };
};

const problemOf = ([version, { consumer, projector }]: [string, Fed]): string | null =>
  projector.refusal() ?? (consumer.healthy() ? null : `The projector of ${version} does not run.`);

/**
 * Documents that were lost, or never there: what the group remembers is of others. Members that a
 * crash left behind are waited for; those that live fill the documents.
 */
const beginAnewIfEmpty = async (
  documents: DocumentStore,
  forget: () => Promise<boolean>,
  signal: AbortSignal,
): Promise<void> => {
  const deadline = performance.now() + SESSION_MS;
  while (await isEmpty(documents.allAnimes())) {
    if ((await forget()) || performance.now() > deadline || signal.aborted) return;
    await pause(ASK_AGAIN_AFTER_MS, signal);
  }
};

const isEmpty = async (items: AsyncIterable<unknown>): Promise<boolean> => {
  for await (const _ of items) return false;
  return true;
};
