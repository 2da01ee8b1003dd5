import { seededRandom, zipfRanks } from './random.js';

export type Interaction =
  | { readonly kind: 'click'; readonly animeId: number; readonly userId: string }
  | {
      readonly kind: 'view';
      readonly animeId: number;
      readonly userId: string;
      readonly durationSeconds: number;
    }
  | {
      readonly kind: 'rating';
      readonly animeId: number;
      readonly userId: string;
      readonly rating: number;
    };

export interface WorkloadOptions {
  readonly seed: number;
  /** 'zipf': the k-th anime as often as 1/k. 'hot': all on anime 1. */
  readonly popularity: 'zipf' | 'hot';
  readonly animes?: number;
  readonly users?: number;
}

const CLICKS = 0.6;
const VIEWS = 0.3;
const LONGEST_VIEW_SECONDS = 1500;

/** Endless interactions: 60 % clicks, 30 % views, 10 % ratings. Equal for equal options. */
export const createWorkload = ({
  seed,
  popularity,
  animes = 1000,
  users = 100_000,
}: WorkloadOptions): (() => Interaction) => {
  const random = seededRandom(seed);
  const rank = popularity === 'zipf' ? zipfRanks(animes, 1, random) : () => 0;
  return () => {
    const animeId = rank() + 1;
    const userId = `user-${Math.floor(random() * users)}`;
    const kind = random();
    if (kind < CLICKS) return { kind: 'click', animeId, userId };
    if (kind < CLICKS + VIEWS) {
      const durationSeconds = Math.floor(random() * LONGEST_VIEW_SECONDS);
      return { kind: 'view', animeId, userId, durationSeconds };
    }
    return { kind: 'rating', animeId, userId, rating: Math.round(10 + random() * 90) / 10 };
  };
};
