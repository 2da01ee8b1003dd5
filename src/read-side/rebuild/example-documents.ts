import { completeDetails, EXAMPLE_DETAILS } from '../../domain/details.js';
import { type AnimeId, streamOf } from '../../domain/ids.js';
import type { DocumentBatch } from '../../ports/read-store.js';
import { decode } from '../../wire/stream-event.js';
import { cachedAnimeOf, foldRun } from '../projector/fold.js';

type Example = readonly [type: string, data: object];

const exampleFact = { schemaVersion: 2, animeId: 1, occurredAt: '2026-11-24T10:00:00.000Z' };
const nextDay = { ...exampleFact, occurredAt: '2026-11-25T23:59:59.999Z' };
const dayBefore = { ...exampleFact, occurredAt: '2026-11-23T10:00:00Z' };
const spike = { userId: 'spike' };
const jet = { schemaVersion: 3, subject: 'c3ViamVjdC1vZi1qZXQtMQ' };
const faye = { anime_id: 1, user_id: 'faye', occurred_at: '2026-11-24T12:00:00+02:00' };
const listing = { ...exampleFact, schemaVersion: 1 };

const details = {
  ...EXAMPLE_DETAILS,
  title: 'ＣＯＷＢＯＹ Bébop: Ζωής & the « 7 » Groß-Straße İ',
  description: 'A text.',
  image: 'https://example.com/1.png',
  type: 'Tv É',
  genres: ['Action', 'Sci-Fi', 'Ödmark'],
};

const unknown = completeDetails({ title: 'Untitled' });

/** Every event type in every schema version; twice if a second event depends on the first. */
export const EXAMPLES: readonly (readonly Example[])[] = [
  [
    ['AnimeListed', { ...listing, details: unknown }],
    ['AnimeDetailsRevised', { ...listing, details }],
    ['ClickRegistered', { ...exampleFact, ...spike }],
    ['ClickRegistered', faye],
    // It happened before the others, and was recorded after them.
    ['ClickRegistered', { ...dayBefore, ...spike }],
    ['ViewRegistered', { ...nextDay, ...spike, durationSeconds: 0 }],
    ['ViewRegistered', { ...exampleFact, ...spike, durationSeconds: 1440 }],
    ['ViewRegistered', { ...faye, duration_seconds: 60 }],
    ['RatingGiven', { ...exampleFact, ...spike, rating: 8.75 }],
    ['RatingGiven', { ...faye, rating: 10 }],
    ['RatingGiven', { ...nextDay, ...spike, rating: 1.29 }],
    // Of a user whose id is protected.
    ['ClickRegistered', { ...exampleFact, ...jet }],
    ['ViewRegistered', { ...exampleFact, ...jet, durationSeconds: 30 }],
    ['RatingGiven', { ...exampleFact, ...jet, rating: 7 }],
    // An event that never applies, and one of an unknown type.
    ['RatingGiven', { ...exampleFact, ...spike, rating: 11 }],
    ['MoodChanged', exampleFact],
  ],
  [
    ['AnimeListed', { ...listing, animeId: 2, details: unknown }],
    ['AnimeDelisted', { ...listing, animeId: 2 }],
    // At the limits of the rules.
    ['ViewRegistered', { ...nextDay, animeId: 2, ...spike, durationSeconds: 86_401 }],
    ['RatingGiven', { ...nextDay, animeId: 2, ...spike, rating: 8.333 }],
  ],
  // Written by a system without a catalogue.
  [['ClickRegistered', { ...exampleFact, animeId: 3, ...spike }]],
];

/** The documents that the folds of this release make of a fixed log. */
export const exampleDocuments = (): DocumentBatch => {
  const folded = EXAMPLES.map((events, index) => foldExamples((index + 1) as AnimeId, events));
  return {
    animes: folded.map(({ anime }) => anime),
    interactions: folded.flatMap(({ interactions }) => interactions),
    days: folded.flatMap(({ days }) => days),
  };
};

const foldExamples = (animeId: AnimeId, events: readonly Example[]) => {
  const encoder = new TextEncoder();
  const run = events.map(([type, data], revision) => ({
    stream: streamOf(animeId),
    animeId,
    revision,
    id: `example-${revision}`,
    position: { commit: 0n, prepare: 0n },
    logId: null,
    recordedAt: 0,
    decoded: decode(type, encoder.encode(JSON.stringify(data))),
  }));
  return foldRun(cachedAnimeOf(animeId, 0, null), run);
};
