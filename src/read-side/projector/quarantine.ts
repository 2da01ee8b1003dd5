import { type AnimeId, streamOf } from '../../domain/ids.js';
import type { StreamTrouble } from '../../platform/observability/health.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import type { DeadLetter, DeadLetters } from '../../ports/dead-letters.js';
import type { AnimeDocument, Guarded } from '../../ports/read-store.js';

export type AlarmKind = 'another-log' | 'quarantined';

export interface Quarantined {
  readonly kind: AlarmKind;
  readonly generation: number;
  readonly reason: string;
}

export interface Quarantine {
  readonly all: () => ReadonlyMap<AnimeId, Quarantined>;
  get(animeId: AnimeId): Quarantined | undefined;
  /** Whether an alarm of this kind has not been raised for this generation. */
  isNew(animeId: AnimeId, kind: AlarmKind, generation: number): boolean;
  add(animeId: AnimeId, why: Quarantined): void;
  release(animeId: AnimeId): void;
}

/** Anime whose events cannot be applied. Each raises one alarm and is retried with later events. */
export const createQuarantine = (logger: Logger, metrics: Metrics): Quarantine => {
  const quarantined = new Map<AnimeId, Quarantined>();
  return {
    all: (): ReadonlyMap<AnimeId, Quarantined> => quarantined,

    get: (animeId: AnimeId): Quarantined | undefined => quarantined.get(animeId),

    isNew(animeId: AnimeId, kind: AlarmKind, generation: number): boolean {
      const known = quarantined.get(animeId);
      return known?.kind !== kind || known.generation !== generation;
    },

    add(animeId: AnimeId, why: Quarantined): void {
      quarantined.set(animeId, why);
      metrics.projectorAlarms.inc({ kind: why.kind });
      logger.error('Anime quarantined: its events cannot be applied', { animeId, ...why });
    },

    release(animeId: AnimeId): void {
      if (quarantined.delete(animeId)) logger.info('Anime released from quarantine', { animeId });
    },
  };
};

/** A quarantined anime in the health report. */
export const troubleOfQuarantined = ([animeId, quarantined]: readonly [
  AnimeId,
  Quarantined,
]): StreamTrouble => {
  const stream = streamOf(animeId);
  const replay = `anime-analytics dead-letters replay ${stream}`;
  return {
    stream,
    detail: `The documents of ${stream} are no longer updated. ${quarantined.reason}`,
    remedy:
      quarantined.kind === 'another-log'
        ? replay
        : `Remove $maxCount, $maxAge and $tb from the metadata of ${stream}, then: ${replay}`,
  };
};

/** Anime with unreadable events that are neither counted nor ignored. */
export interface SkippedEvents {
  /** What the document says, unless a newer one was noted. */
  note(document: AnimeDocument): void;
  count(): number;
  all(): readonly StreamTrouble[];
}

export const createSkippedEvents = (): SkippedEvents => {
  const noted = new Map<AnimeId, Guarded & Pick<AnimeDocument, 'skipped'>>();
  /** Anime that no longer have any: a document that was read before must not bring them back. */
  const repaired = new Map<AnimeId, Guarded>();
  return {
    note: ({ animeId, generation, revision, skipped }) => {
      const known = noted.get(animeId) ?? repaired.get(animeId);
      if (known !== undefined && precedes({ generation, revision }, known)) return;
      if (skipped.length > 0) {
        noted.set(animeId, { generation, revision, skipped });
        repaired.delete(animeId);
      } else if (noted.delete(animeId)) {
        repaired.set(animeId, { generation, revision });
      }
    },
    count: () => noted.size,
    all: () =>
      [...noted].map(([animeId, { skipped }]) => troubleOfSkipped(streamOf(animeId), skipped)),
  };
};

const precedes = (a: Guarded, b: Guarded): boolean =>
  a.generation < b.generation || (a.generation === b.generation && a.revision < b.revision);

const troubleOfSkipped = (stream: string, [first, ...more]: readonly number[]): StreamTrouble => ({
  stream,
  detail: `Event ${first} of ${stream} cannot be read and is not counted${
    more.length === 0 ? '' : `, nor are ${more.length} more`
  }.`,
  remedy: 'What to do about each event: anime-analytics dead-letters list',
});

export const deadLetter = (letter: Omit<DeadLetter, 'at'> & { at: Date }): DeadLetter => ({
  ...letter,
  at: letter.at.toISOString(),
});

interface AddDeadLetterOptions {
  readonly deadLetters: DeadLetters;
  readonly metrics: Metrics;
  readonly now?: () => number;
}

/** Adds a dead letter for an event that was not applied; its data stay in the log. */
export type AddDeadLetter = (animeId: AnimeId, revision: number, reason: string) => Promise<void>;

export const createAddDeadLetter =
  ({ deadLetters, metrics, now = Date.now }: AddDeadLetterOptions): AddDeadLetter =>
  async (animeId, revision, reason) => {
    const stream = streamOf(animeId);
    metrics.deadLetters.inc();
    await deadLetters.add(
      deadLetter({ stream, revision, source: stream, reason, value: null, at: new Date(now()) }),
    );
  };
