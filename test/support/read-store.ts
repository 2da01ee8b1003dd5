import { openEmbeddedReadStore } from '../../src/adapters/embedded/read-store/open-read-store.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import type {
  AnimeDocument,
  DailyActivityDocument,
  DocumentBatch,
  InteractionDocument,
} from '../../src/ports/read-store.js';
import { animeId, AT, COWBOY_BEBOP, userId } from './examples.js';
import { temporaryDirectory } from './temporary-directory.js';
import { exampleDocuments } from '../../src/read-side/rebuild/example-documents.js';

/** An embedded read store in a fresh directory, and the way to be rid of both. */
export const openTemporaryReadStore = async (
  before: (dataDir: string) => Promise<void> = () => Promise.resolve(),
) => {
  const directory = await temporaryDirectory();
  await before(directory.path);
  const store = await openEmbeddedReadStore({
    dataDir: directory.path,
    logger: silentLogger(),
    examples: exampleDocuments(),
  });
  return {
    store,
    stop: async () => {
      await store.close();
      await directory.remove();
    },
  };
};

/** A listed anime that nobody has touched, unless said otherwise. */
export const anAnimeDocument = (given: Partial<AnimeDocument> = {}): AnimeDocument => ({
  animeId: animeId(1),
  generation: 0,
  revision: 0,
  status: 'listed',
  details: COWBOY_BEBOP,
  clicks: 0,
  views: 0,
  seconds: 0,
  ratingCount: 0,
  ratingSum: 0,
  ratingBuckets: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  lastEventId: 'a7b4c2f0-58a9-4c65-9f3c-1d1f3f5c0001',
  skipped: [],
  ...given,
});

/** One click of one user, unless said otherwise. */
export const anInteraction = (given: Partial<InteractionDocument> = {}): InteractionDocument => ({
  animeId: animeId(1),
  userId: userId('spike'),
  generation: 0,
  revision: 1,
  clicks: 1,
  views: 0,
  seconds: 0,
  lastClickAt: AT,
  lastViewAt: null,
  ratings: [],
  ...given,
});

/** One click on one day, unless said otherwise. */
export const aDay = (given: Partial<DailyActivityDocument> = {}): DailyActivityDocument => ({
  animeId: animeId(1),
  day: '2026-11-24',
  generation: 0,
  revision: 1,
  clicks: 1,
  views: 0,
  ratings: 0,
  seconds: 0,
  ...given,
});

/** What is not given is empty. */
export const aBatch = (given: Partial<DocumentBatch>): DocumentBatch => ({
  interactions: [],
  days: [],
  animes: [],
  ...given,
});
