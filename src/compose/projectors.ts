import { pause } from '../platform/async/retry.js';
import { assertHealthy, type StreamTrouble } from '../platform/observability/health.js';
import type { VersionRecord } from '../ports/read-store.js';
import { troubleOfAhead } from '../read-side/projector/ahead-of-log.js';
import { troubleOfQuarantined } from '../read-side/projector/quarantine.js';
import { feed, type Fed, type FeedingParts } from './feeding.js';
import type { Dependencies } from './dependencies.js';
import { partitionsOf } from './bus.js';
import { kafkaServer } from './servers.js';
import { ownVersions } from './versions.js';
import { whenAvailable } from './when-available.js';

export interface ProjectorParts extends FeedingParts {
  /** Those that are there at the start. */
  readonly versions: readonly VersionRecord[];
  /** How often it is looked for versions that came or went. */
  readonly lookEveryMs?: number;
}

export interface Projectors {
  /**
   * Records of the bus that are not in the version's documents yet, as far as it is known; null where
   * this process does not feed that version.
   */
  waiting(version: string): number | null;
  /** The versions that are fed without trouble. */
  readonly fed: () => readonly string[];
  /** The versions that missed nothing of the bus: it may forget what all of these have. */
  readonly whole: () => readonly string[];
  readonly feeding: VersionFeeding;
}

export interface VersionFeeding {
  /** Feeds a version that was built; `catchUp` adds what was published before that. */
  adopt(version: string, catchUp: () => Promise<void>): Promise<void>;
  /** Lets go of a version that is to be removed. */
  release(version: string): Promise<void>;
}

/**
 * A projector for every version of the read models. On a bus that keeps its records versions are
 * taken up and let go as they come and go; on one that keeps nothing a version that comes later has
 * missed the beginning: who built it hands it over.
 */
export const openProjectors = async (
  dependencies: Dependencies & { readonly signal: AbortSignal },
  parts: ProjectorParts,
): Promise<Projectors> => {
  const { config, logger, lifecycle, metrics, health, servers } = dependencies;
  const { readStore, keeps, logId, versions, lookEveryMs = 1_000 } = parts;
  const fed = new Map<string, Fed>();
  const whole = new Set(versions.map(({ name }) => name));
  const stopping = new AbortController();
  const signal = AbortSignal.any([dependencies.signal, stopping.signal]);
  /** Why not every version is fed. */
  let trouble: string | null = null;

  const begin = async (record: VersionRecord, anew = false): Promise<void> => {
    fed.set(record.name, await feed(dependencies, parts, record, { anew, signal }));
  };

  const end = async ({ record, consumer }: Fed): Promise<void> => {
    const { name: version } = record;
    fed.delete(version);
    whole.delete(version);
    await consumer.stop();
    metrics.projectorUnread.remove({ version });
    for (const partition of partitionsOf(config)) {
      metrics.projectorWaiting.remove({ version, partition });
    }
    metrics.projectorLagSeconds.remove({ version });
    metrics.freshness.remove({ version });
    logger.info('A version of the read models is no longer fed', { version });
  };

  /** A name may come again for another version: when it was created tells the two apart. */
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
        trouble = error instanceof Error ? error.message : 'The versions cannot be followed.';
        logger.warn('The versions of the read models could not be followed', { error });
      }
    }
  };

  const feeding: VersionFeeding = {
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
  // Versions of the same log mostly have the same trouble.
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
      return [...running.waiting.values()].reduce((sum, each) => sum + each, 0);
    },
    fed: () =>
      [...fed.values()]
        .filter((each) => projectorProblem(each) === null)
        .map(({ record }) => record.name),
    whole: () => [...whole],
    feeding,
  };
};

const projectorProblem = ({ record, consumer, projector }: Fed): string | null =>
  projector.refusal() ??
  (consumer.healthy() ? null : `The projector of ${record.name} does not get on.`);
