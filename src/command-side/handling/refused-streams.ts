import { jsonObjectIn } from '../../ports/json.js';
import type { AnimeId } from '../../domain/ids.js';
import { PortError } from '../../ports/errors.js';
import type { EventStore } from '../../ports/event-store.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import { remedyFor, whyUnreadable, type Unreadable } from '../../wire/upcast.js';
import { isWholeFrom, type CachedAggregate } from './cached-aggregate.js';
import type { StreamProblem } from '../../ports/command-result.js';

/** The stream was read, and no command can be decided on it. */
export class RefusedStreamError extends Error {
  constructor(
    readonly animeId: AnimeId,
    readonly problem: StreamProblem,
  ) {
    super(problem.detail);
    this.name = 'RefusedStreamError';
  }
}

/** What is wrong with a stream that cannot be decided on, and the remedy. */
export const refusalOf = async (
  store: EventStore,
  aggregate: CachedAggregate,
): Promise<RefusedStreamError> =>
  new RefusedStreamError(
    aggregate.animeId,
    (isWholeFrom(aggregate.beginning) ? unreadableProblem(aggregate) : undefined) ??
      (await truncated(store, aggregate)),
  );

const unreadableProblem = ({
  stream,
  unreadable: events,
}: CachedAggregate): StreamProblem | undefined => {
  const [first] = events;
  if (first === undefined) return undefined;
  const [revision, decoded] = first;
  const { type: eventType } = decoded;
  const more = events.size === 1 ? '' : `, and ${events.size - 1} more after it`;
  return {
    kind: 'unreadable',
    stream,
    revision,
    eventType,
    detail: `Event ${revision} of ${stream} (${eventType}) cannot be read: ${whyUnreadable(decoded)}${more}.`,
    remedy: remedyFor(decoded, stream, [...events].some(isOfNewer) ? revision : range(events)),
  };
};

const isOfNewer = ([, decoded]: readonly [bigint, Unreadable]): boolean =>
  decoded.kind === 'unknown' && decoded.isNewer;

/** One command for the whole range; readable events in it are still counted. */
const range = (events: ReadonlyMap<bigint, Unreadable>): string => {
  const revisions = [...events.keys()];
  const [first, last] = [revisions[0], revisions.at(-1)];
  return first === last ? `${first}` : `${first}-${last}`;
};

const truncated = async (
  store: EventStore,
  { stream, beginning }: CachedAggregate,
): Promise<StreamProblem> => {
  const revision = beginning?.revision ?? 0n;
  const by = await hiddenBy(store, stream);
  return {
    kind: 'truncated',
    stream,
    revision,
    eventType: beginning?.type ?? '',
    detail: `The history of ${stream} was truncated: it begins at revision ${revision}${by}.`,
    remedy:
      `Remove $maxCount, $maxAge and $tb from the metadata of ${stream}. If a scavenge has removed the ` +
      'events already, delete the stream (a soft delete) and list the anime again.',
  };
};

const HIDING_SETTINGS = ['$maxCount', '$maxAge', '$tb'] as const;

/** The stream's settings that may have hidden events. */
const hiddenBy = async (store: EventStore, stream: string): Promise<string> => {
  let set: readonly string[] = [];
  try {
    const newest = { direction: 'backwards', limit: 1 } as const;
    for await (const { data } of store.read(`$$${stream}`, newest)) {
      const metadata = jsonObjectIn(data) ?? {};
      set = HIDING_SETTINGS.filter((name) => typeof metadata[name] === 'number').map(
        (name) => `${name} is ${Number(metadata[name])}`,
      );
    }
  } catch (error) {
    // Reading metadata may be denied, and the refusal does not need it.
    if (!(error instanceof PortError)) throw error;
  }
  return set.length === 0 ? '' : ` (${set.join(', ')})`;
};

export interface RefusedStreams {
  refuse(error: RefusedStreamError): void;
  allow(animeId: AnimeId): void;
  all(): readonly StreamProblem[];
  /** The streams that are due for a check, least recently checked first. */
  due(): readonly AnimeId[];
}

/** Further streams are refused too, and listed when others leave the list. */
const MAX_LISTED = 1_000;
const RECHECKED_AT_ONCE = 20;

/** The anime whose commands are refused. Each is logged once and checked until it recovers. */
export const createRefusedStreams = (options: {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly recheckAfterMs: number;
  /** Milliseconds of a monotonic clock. */
  readonly monotonic?: () => number;
}): RefusedStreams => {
  const { logger, metrics, recheckAfterMs, monotonic = () => performance.now() } = options;
  const refused = new Map<AnimeId, { problem: StreamProblem; checkedAt: number }>();
  const count = (): void => metrics.streamsRefused.set(refused.size);

  return {
    refuse: ({ animeId, problem }) => {
      const known = refused.get(animeId);
      if (known === undefined && refused.size >= MAX_LISTED) return;
      if (known?.problem.detail !== problem.detail) {
        logger.error('Commands of an anime are refused', { animeId, ...problem });
      }
      // Moved to the end: a Map iterates in insertion order.
      refused.delete(animeId);
      refused.set(animeId, { problem, checkedAt: monotonic() });
      count();
    },
    allow: (animeId) => {
      if (!refused.delete(animeId)) return;
      logger.info('Commands of an anime are accepted again', { animeId });
      count();
    },
    all: () => [...refused.values()].map(({ problem }) => problem),
    due: () => {
      const now = monotonic();
      const due = [...refused]
        .filter(([, { checkedAt }]) => now - checkedAt >= recheckAfterMs)
        .slice(0, RECHECKED_AT_ONCE);
      for (const [, entry] of due) entry.checkedAt = now;
      return due.map(([animeId]) => animeId);
    },
  };
};
