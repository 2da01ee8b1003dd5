import { laterOf } from '../../domain/times.js';
import type { AnimeId, UserId } from '../../domain/ids.js';
import type { InteractionDocument, ReadQueries, UserInteractions } from '../../ports/read-store.js';

/** A page of what one person did, who may have documents under several user ids. */
export const interactionsOfUsers = async (
  queries: Pick<ReadQueries, 'interactionsOf'>,
  users: readonly UserId[],
  first: number,
  after: AnimeId | null,
): Promise<UserInteractions> => {
  const pages = await Promise.all(users.map((user) => queries.interactionsOf(user, first, after)));
  const byAnime = new Map<AnimeId, InteractionDocument>();
  for (const document of pages.flatMap(({ items }) => items)) {
    const other = byAnime.get(document.animeId);
    byAnime.set(document.animeId, other === undefined ? document : merged(other, document));
  }
  const all = [...byAnime.values()].sort((one, other) => one.animeId - other.animeId);
  const hasMore = all.length > first || pages.some((page) => page.hasMore);
  return { items: all.slice(0, first), hasMore };
};

const merged = (one: InteractionDocument, other: InteractionDocument): InteractionDocument => ({
  ...one,
  clicks: one.clicks + other.clicks,
  views: one.views + other.views,
  seconds: Math.min(one.seconds + other.seconds, Number.MAX_SAFE_INTEGER),
  lastClickAt: laterOfBoth(one.lastClickAt, other.lastClickAt),
  lastViewAt: laterOfBoth(one.lastViewAt, other.lastViewAt),
  ratings: [...one.ratings, ...other.ratings].sort((a, b) => a.revision - b.revision),
});

const laterOfBoth = (one: string | null, other: string | null): string | null =>
  other === null ? one : laterOf(one, other);
