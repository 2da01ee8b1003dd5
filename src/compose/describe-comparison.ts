import type { ProjectionComparison } from '../read-side/audit/projections.js';
import type { Comparison } from '../read-side/audit/compare.js';

const SHOWN = 10;

/** What a comparison of documents with the log came to, for a person. */
export const describeComparison = (found: Comparison, print: (text: string) => void): void => {
  const { animes, documents, events, differing, differences, behind, ahead, incomparable } = found;
  for (const { animeId, document, revision, expected, actual } of differences.slice(0, SHOWN)) {
    print(`different: anime ${animeId}, ${document}, at revision ${revision}`);
    print(`  the log says      ${JSON.stringify(expected)}`);
    print(`  the document says ${JSON.stringify(actual)}`);
  }
  for (const { animeId, by } of behind.slice(0, SHOWN)) {
    print(`late: anime ${animeId} is ${by} events behind its stream`);
  }
  for (const animeId of ahead.slice(0, SHOWN)) {
    print(`ahead: anime ${animeId} holds events that the log does not have`);
  }
  if (ahead.length > 0) {
    print(
      'The log was restored or lost its end. A running service computes these anime anew; else: ' +
        'anime-analytics rebuild, then anime-analytics rebuild promote',
    );
  }
  for (const animeId of incomparable.slice(0, SHOWN)) {
    print(`not comparable: anime ${animeId}, whose stream was deleted or cut off`);
  }
  print(
    `${animes} anime, ${documents} documents against ${events} events: ` +
      `${differing} different, ${behind.length} anime late, ${incomparable.length} not comparable.`,
  );
};

/** The same for the event store's own projections. */
export const describeProjections = (
  { animes, equal, different, notComparable }: ProjectionComparison,
  print: (text: string) => void,
): void => {
  for (const difference of different.slice(0, SHOWN))
    print(`different: ${JSON.stringify(difference)}`);
  for (const { animeId, reason } of notComparable.slice(0, SHOWN)) {
    print(`not comparable: anime ${animeId}. ${reason}`);
  }
  print(
    `Projections: ${equal} of ${animes} anime equal, ${different.length} differences, ` +
      `${notComparable.length} not comparable.`,
  );
};
