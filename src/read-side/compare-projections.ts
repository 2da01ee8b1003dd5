import type { AnimeId } from '../domain/ids.js';
import { pause } from '../platform/retry.js';
import type { Projections, ProjectionStatus } from '../ports/projections.js';
import type { AnimeDocument, DocumentStore } from '../ports/read-store.js';
import { judgeAnime, type ProjectionDifference, type Verdict } from './judge-projections.js';
import { ANIME_ACTIVITY, ANIME_RATING_CHANGES, ANIME_RATING_SUMMARY } from './projection-states.js';

export interface ProjectionComparison {
  readonly animes: number;
  readonly equal: number;
  /** One for each projection that says something else than the document at the same revision. */
  readonly different: readonly ProjectionDifference[];
  /** Neither equal nor different: one side had not come as far as the other when time was up. */
  readonly notComparable: readonly { readonly animeId: AnimeId; readonly reason: string }[];
}

export interface CompareProjectionsOptions {
  readonly projections: Projections;
  readonly documents: DocumentStore;
  /** How long to wait, in total, for whichever side is behind. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

const AT_ONCE = 16;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1000;

/**
 * Compares every anime's document with the event store's own projections, at equal revisions. Both
 * may go on changing meanwhile. Rejects with NOT_SUPPORTED where there is no engine.
 */
export const compareWithProjections = async ({
  projections,
  documents,
  waitMs = 10_000,
  signal = new AbortController().signal,
}: CompareProjectionsOptions): Promise<ProjectionComparison> => {
  const broken = notRunning(await projections.list());
  const judge = (anime: AnimeDocument): Promise<Verdict> =>
    broken === null
      ? judgeAnime(projections, anime)
      : Promise.resolve({ kind: 'never', reason: broken });
  const verdicts = verdictsSoFar();
  const judgeAll = async (animes: readonly AnimeDocument[]): Promise<void> => {
    signal.throwIfAborted();
    const judged = await Promise.all(animes.map((anime) => judge(anime)));
    animes.forEach(({ animeId }, index) => verdicts.note(animeId, judged[index]));
  };

  for await (const animes of chunks(documents.allAnimes())) await judgeAll(animes);
  const deadline = performance.now() + waitMs;
  for (let pauseMs = FIRST_PAUSE_MS; verdicts.late().length > 0; pauseMs *= 2) {
    const left = deadline - performance.now();
    if (left <= 0) break;
    await pause(Math.min(pauseMs, LONGEST_PAUSE_MS, left), signal);
    for await (const ids of chunks(verdicts.late())) await judgeAll(await documents.animes(ids));
  }
  return verdicts.summary();
};

/** Why nothing can be compared; null where everything runs. */
const notRunning = (all: readonly ProjectionStatus[]): string | null => {
  for (const name of [ANIME_ACTIVITY, ANIME_RATING_CHANGES, ANIME_RATING_SUMMARY]) {
    const found = all.find((status) => status.name === name);
    if (found === undefined) return `${name} is not deployed.`;
    if (found.condition === 'faulted') return `${name} is faulted: ${found.reason}`;
    if (found.condition === 'stopped') return `${name} is stopped.`;
  }
  return null;
};

const verdictsSoFar = () => {
  const different: ProjectionDifference[] = [];
  const open = new Map<AnimeId, Verdict & { readonly reason: string }>();
  let [animes, equal] = [0, 0];
  return {
    note: (animeId: AnimeId, verdict: Verdict | undefined): void => {
      if (verdict === undefined) return;
      if (!open.delete(animeId)) animes += 1;
      if (verdict.kind === 'equal') equal += 1;
      else if (verdict.kind === 'different') different.push(...verdict.differences);
      else open.set(animeId, verdict);
    },
    late: (): readonly AnimeId[] =>
      [...open].filter(([, { kind }]) => kind === 'later').map(([animeId]) => animeId),
    summary: (): ProjectionComparison => {
      const notComparable = [...open].map(([animeId, { reason }]) => ({ animeId, reason }));
      return { animes, equal, different, notComparable };
    },
  };
};

async function* chunks<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
): AsyncGenerator<readonly Item[]> {
  let chunk: Item[] = [];
  for await (const item of items) {
    if (chunk.push(item) < AT_ONCE) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
