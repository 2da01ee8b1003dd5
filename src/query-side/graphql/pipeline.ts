import { animeIdOf } from '../../domain/ids.js';
import type { DeadLetter } from '../../ports/dead-letters.js';
import { decodePlace, encodePlace, pageSizeOf } from './arguments.js';
import type { QueryContext } from './context.js';
import { unauthenticated } from './errors.js';

type OrUnknown<T> = T | null;

/** What `/health` and `/metrics` know. Null: only another process knows. */
export interface PipelineState {
  readonly status: 'healthy' | 'degraded' | 'unhealthy';
  readonly version: string;
  readonly role: string;
  readonly startedAt: string;
  readonly uptimeSeconds: number;
  readonly parts: readonly {
    readonly name: string;
    readonly status: 'healthy' | 'degraded' | 'unhealthy';
    readonly detail: OrUnknown<string>;
  }[];
  readonly servers: readonly {
    readonly name: string;
    readonly address: string;
    readonly version: OrUnknown<string>;
    readonly status: 'healthy' | 'unhealthy';
  }[];
  readonly bridge: OrUnknown<{
    readonly state: string;
    readonly owner: OrUnknown<string>;
    readonly checkpoint: OrUnknown<string>;
    readonly head: OrUnknown<string>;
    readonly lagEvents: OrUnknown<number>;
    readonly lagSeconds: OrUnknown<number>;
  }>;
  readonly readModels: readonly {
    readonly name: string;
    readonly state: string;
    readonly lagEvents: OrUnknown<number>;
    readonly lagSeconds: OrUnknown<number>;
    readonly progress: OrUnknown<number>;
    readonly partitions: readonly {
      readonly partition: number;
      readonly lagEvents: number;
      readonly offset: OrUnknown<string>;
    }[];
  }[];
  readonly rates: Readonly<
    Record<'commands' | 'published' | 'documents' | 'queries', OrUnknown<number>>
  >;
  readonly counters: Readonly<
    Record<
      'conflicts' | 'duplicates' | 'gaps' | 'deadLetters' | 'alarms' | 'errors',
      OrUnknown<number>
    >
  >;
}

export interface PipelineSample {
  readonly time: string;
  /** Per second since the sample before. */
  readonly commands: OrUnknown<number>;
  readonly published: OrUnknown<number>;
  readonly documents: OrUnknown<number>;
  readonly lagEvents: OrUnknown<number>;
  readonly lagSeconds: OrUnknown<number>;
  readonly memoryBytes: number;
}

export interface PipelineSource {
  /** Callers at about the same time share an answer. */
  readonly state: () => Promise<PipelineState>;
  /** Oldest first; null where this process cannot read them. */
  readonly deadLetters: (() => Promise<readonly Omit<DeadLetter, 'value'>[]>) | null;
  readonly history: () => readonly PipelineSample[];
  /** By environment variable, secrets masked; null where it must not be shown. */
  readonly configuration: () => Readonly<Record<string, string>> | null;
}

interface LetterPageArguments {
  readonly first: number | null;
  readonly after?: string | null;
}

/** The answer to the query `pipeline`. Rejects with UNAUTHENTICATED without a reader's key. */
export const readPipeline = async (
  { state, deadLetters, history, configuration }: PipelineSource,
  { isReader }: Pick<QueryContext, 'isReader'>,
) => {
  if (!isReader) throw unauthenticated();
  return {
    ...(await state()),
    // Functions: only queries with these fields pay for them.
    deadLetters: async (page: LetterPageArguments) =>
      deadLetters === null ? null : toLetterConnection(await deadLetters(), page),
    history,
    configuration,
  };
};

const CURSOR = 'dead-letter';

/** Letters are only added, at the end: their place is a stable cursor. */
const toLetterConnection = (
  letters: readonly Omit<DeadLetter, 'value'>[],
  { first, after }: LetterPageArguments,
) => {
  const size = pageSizeOf('first', first, 20);
  const from = after === null || after === undefined ? 0 : decodePlace(CURSOR, after) + 1;
  const edges = letters.slice(from, from + size).map((letter, index) => ({
    node: toDeadLetter(letter),
    cursor: encodePlace(CURSOR, from + index),
  }));
  return {
    edges,
    pageInfo: {
      hasNextPage: letters.length > from + size,
      hasPreviousPage: from > 0,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
};

const toDeadLetter = ({ stream, revision, reason, source, at }: Omit<DeadLetter, 'value'>) => ({
  stream,
  revision: revision === null ? null : String(revision),
  reason,
  detail: source,
  time: at,
  // Names of other streams may hold anything that a shell understands.
  replayCommand:
    stream === null || animeIdOf(stream) === undefined
      ? null
      : `anime-analytics dead-letters replay ${stream}`,
});
