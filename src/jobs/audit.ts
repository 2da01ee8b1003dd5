import { PortError } from '../ports/errors.js';
import type { Projections } from '../ports/projections.js';
import type { DocumentStore } from '../ports/read-store.js';
import { compareWithLog, type Comparison } from '../read-side/audit/compare.js';
import { waitForLate } from '../read-side/audit/heads.js';
import {
  areDeployed,
  compareWithProjections,
  type ProjectionComparison,
} from '../read-side/audit/projections.js';
import type { JobDependencies, JobOutput } from './job.js';
import type { Stores } from '../compose/stores.js';
import { isOwn, knownLog, otherFingerprint, refuseForeign } from '../compose/versions.js';

const SHOWN = 10;

/** Prints the result of a comparison of documents with the log. */
export const describeComparison = (found: Comparison, print: (text: string) => void): void => {
  const { animes, documents, events, differing, differences, behind, ahead, incomparable } = found;
  for (const { animeId, document, revision, expected, actual } of differences.slice(0, SHOWN)) {
    print(`different: anime ${animeId}, ${document}, at revision ${revision}`);
    print(`  the log says      ${JSON.stringify(expected)}`);
    print(`  the document says ${JSON.stringify(actual)}`);
  }
  for (const { animeId, by } of behind.slice(0, SHOWN)) {
    print(`behind: anime ${animeId} is ${by} events behind its stream`);
  }
  for (const animeId of ahead.slice(0, SHOWN)) {
    print(`ahead: anime ${animeId} holds events that the log does not have`);
  }
  if (ahead.length > 0) {
    print(
      'The log was restored or lost its end. A running service recomputes these anime; without one run ' +
        'anime-analytics rebuild, then anime-analytics rebuild promote',
    );
  }
  for (const animeId of incomparable.slice(0, SHOWN)) {
    print(`not comparable: anime ${animeId}, whose stream was deleted or truncated`);
  }
  print(
    `${animes} anime, ${documents} documents against ${events} events: ` +
      `${differing} different, ${behind.length} anime behind, ${incomparable.length} not comparable.`,
  );
};

/** Prints the result of a comparison with the event store's projections. */
const describeProjections = (
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

const WAIT_MS = 10_000;

/**
 * Compares every document with a fold of the log at the document's revision, and with the projections
 * of the event store if it has an engine. Waits for documents that are behind. Without a name it
 * compares the active version. Returns false if a document differs or stays behind.
 */
export const audit = async (
  { config, signal }: Pick<JobDependencies, 'config' | 'signal'>,
  { eventStore, readStore }: Stores,
  version: string | undefined,
  { print, report, progress }: JobOutput,
): Promise<boolean> => {
  const name = version ?? (await readStore.active())?.name;
  const known = (await readStore.versions()).filter((each) => each.name === name);
  if (name === undefined || known.length === 0) {
    print(name === undefined ? 'There are no read models yet.' : `There is no version ${name}.`);
    return false;
  }
  if (!known.every((each) => isOwn(readStore, each))) {
    print(otherFingerprint(name));
    return false;
  }
  refuseForeign(config, known, await knownLog(eventStore));
  const documents = readStore.documents(name);
  const onProgress = auditProgress(name, progress);
  const compared = await compareWithLog({ eventStore, documents, signal, onProgress });
  const behind = await waitForLate(documents, compared.behind, { waitMs: WAIT_MS, signal });
  const equal = compared.differing === 0 && behind.length === 0;
  const comparison = { ...compared, behind, equal };
  describeComparison(comparison, print);
  print(equal ? `${name} equals the log.` : `${name} does not equal the log.`);
  const projections = await auditProjections(eventStore.projections, documents, { print, signal });
  report({ version: name, ...comparison, projections });
  return equal && (projections === null || projections.different.length === 0);
};

export const auditProgress =
  (name: string, progress: JobOutput['progress']) =>
  ({ animes, total }: { readonly animes: number; readonly total: number }): void =>
    progress({ task: `audit of ${name}`, done: animes, total, unit: 'anime' });

/** Null if there is no projection engine, or none of our projections on it. */
const auditProjections = async (
  projections: Projections | undefined,
  documents: DocumentStore,
  { print, signal }: Pick<JobOutput, 'print'> & Pick<JobDependencies, 'signal'>,
): Promise<ProjectionComparison | null> => {
  if (projections === undefined) return null;
  try {
    if (!(await areDeployed(projections))) return null;
    const found = await compareWithProjections({ projections, documents, waitMs: WAIT_MS, signal });
    describeProjections(found, print);
    return found;
  } catch (error) {
    if (!(error instanceof PortError) || error.code !== 'NOT_SUPPORTED') throw error;
    print(`Projections: not comparable. ${error.message}`);
    return null;
  }
};
