import { pause } from '../platform/async/retry.js';
import { assertHealthy, type StreamTrouble } from '../platform/observability/health.js';
import type { VersionRecord } from '../ports/read-store.js';
import { troubleOfAhead } from '../read-side/projector/ahead-of-log.js';
import { troubleOfQuarantined } from '../read-side/projector/quarantine.js';
import { feed, type Fed, type FeedingParts } from './feeding.js';
import type { Dependencies } from './dependencies.js';
import { kafkaServer } from './servers.js';
import { ownVersions } from './versions.js';
import { whenAvailable } from './when-available.js';

export interface ProjectorParts extends FeedingParts {
  /** The versions that exist at the start. */
  readonly versions: readonly VersionRecord[];
  /** How often to check for added and removed versions. */
  readonly lookEveryMs?: number;
}

export interface Projectors {
  /** Records of the bus not yet in the version's documents; null where this process does not update it. */
  waiting(version: string): number | null;
  /** The same by partition, with the group that consumes them. */
  partitions(version: string): ConsumedPartitions | null;
  /** The versions that are updated without trouble. */
  readonly fed: () => readonly string[];
  /** The versions that missed no record: the bus may drop what all of them hold. */
  readonly whole: () => readonly string[];
  readonly control: ProjectorControl;
}

interface ConsumedPartitions {
  readonly group: string;
  readonly waiting: ReadonlyMap<number, number>;
}

export interface ProjectorControl {
  /** Starts to update a version that was built; `catchUp` adds what was published in between. */
  adopt(version: string, catchUp: () => Promise<void>): Promise<void>;
  /** Stops updating a version that is to be removed. */
  release(version: string): Promise<void>;
}

/**
 * A projector for every version of the read models. On a bus that keeps its records, projectors start
 * and stop as versions are added and removed. On one that keeps nothing, a later version has missed
 * the beginning: the rebuild that made it calls `adopt`.
 */
export const openProjectors = async (
  dependencies: Dependencies & { readonly signal: AbortSignal },
  parts: ProjectorParts,
): Promise<Projectors> => {
  const { config, logger, lifecycle, health, servers } = dependencies;
  const { readStore, keeps, logId, versions, lookEveryMs = 1_000 } = parts;
  const fed = new Map<string, Fed>();
  const whole = new Set(versions.map(({ name }) => name));
  const stopping = new AbortController();
  const signal = AbortSignal.any([dependencies.signal, stopping.signal]);
  /** Why some version is not updated. */
  let trouble: string | null = null;

  const begin = async (record: VersionRecord, anew = false): Promise<void> => {
    fed.set(record.name, await feed(dependencies, parts, record, { anew, signal }));
  };

  const end = async ({ record, consumer, consumption }: Fed): Promise<void> => {
    const { name: version } = record;
    fed.delete(version);
    whole.delete(version);
    await consumer.stop();
    consumption.forget();
    logger.info('Projector of a version stopped', { version });
  };

  /** A removed version's name may be used again: the time of creation tells the two apart. */
  const catchUp = async (wanted: readonly VersionRecord[]): Promise<void> => {
    const madeAnew = new Set<string>();
    for (const each of [...fed.values()]) {
      const now = wanted.find(({ name }) => name === each.record.name);
      if (now?.createdAt === each.record.createdAt) continue;
      await end(each);
      if (now !== undefined) madeAnew.add(now.name);
    }
    for (const record of wanted) {
      if (!fed.has(record.name)) await begin(record, madeAnew.has(record.name));
    }
  };

  const follow = async (): Promise<void> => {
    for (;;) {
      await pause(lookEveryMs, stopping.signal);
      if (stopping.signal.aborted) return;
      try {
        await catchUp(await ownVersions(readStore, logId));
        trouble = null;
      } catch (error) {
        trouble =
          error instanceof Error
            ? error.message
            : 'The versions of the read models cannot be read.';
        logger.warn('Versions of the read models could not be read', { error });
      }
    }
  };

  const control: ProjectorControl = {
    adopt: async (version, addMissed) => {
      if (keeps || whole.has(version)) return;
      const record = (await readStore.versions()).find(({ name }) => name === version);
      if (record === undefined) return;
      if (!fed.has(version)) await begin(record);
      await addMissed();
      whole.add(version);
    },
    release: async (version) => {
      const running = fed.get(version);
      if (!keeps && running !== undefined) await end(running);
    },
  };

  let following: Promise<void> = Promise.resolve();
  await lifecycle.open(
    'projectors',
    async () => {
      const wait = { server: kafkaServer(config), logger, onWait: servers?.waits };
      for (const version of versions) {
        await whenAvailable(() => begin(version), { ...wait, signal: dependencies.signal });
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
    const problem =
      trouble ?? [...fed.values()].map(projectorProblem).find((each) => each !== null);
    return assertHealthy(problem === undefined, problem ?? '');
  });
  // Versions of one log mostly have the same trouble: report it once.
  const once = (troubles: readonly StreamTrouble[]): readonly StreamTrouble[] => [
    ...new Map(troubles.map((each) => [each.detail, each])).values(),
  ];
  const fedProjectors = () => [...fed.values()].map(({ projector }) => projector);
  health.watch('events-not-counted', () =>
    once(fedProjectors().flatMap(({ skippedEvents }) => skippedEvents.all())),
  );
  health.watch('anime-not-followed', () =>
    once(
      fedProjectors().flatMap((projector) => [...projector.quarantine()].map(troubleOfQuarantined)),
    ),
  );

  health.watch('anime-computed-anew', () =>
    once(fedProjectors().flatMap((projector) => [...projector.ahead()].map(troubleOfAhead))),
  );

  return {
    waiting: (version) => {
      const running = fed.get(version);
      if (running === undefined) return null;
      return [...running.consumption.waiting.values()].reduce((sum, each) => sum + each, 0);
    },
    partitions: (version) => {
      const running = fed.get(version);
      return running === undefined
        ? null
        : { group: running.group, waiting: running.consumption.waiting };
    },
    fed: () =>
      [...fed.values()]
        .filter((each) => projectorProblem(each) === null)
        .map(({ record }) => record.name),
    whole: () => [...whole],
    control,
  };
};

const projectorProblem = ({ record, consumer, projector }: Fed): string | null =>
  projector.refusal() ??
  (consumer.healthy() ? null : `The projector of ${record.name} is not making progress.`);
