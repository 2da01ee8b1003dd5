import { PortError } from '../ports/errors.js';
import type { Projections } from '../ports/projections.js';
import type { DocumentStore } from '../ports/read-store.js';
import {
  compareWithProjections,
  type ProjectionComparison,
} from '../read-side/audit/projections.js';
import { compareWithLog } from '../read-side/audit/compare.js';
import { waitForLate } from '../read-side/audit/heads.js';
import { describeComparison, describeProjections } from './describe-comparison.js';
import type { JobNeeds, JobOutput, Stores } from './job.js';
import { isOwn, knownLog, otherFingerprint, refuseForeign } from './versions.js';

const WAIT_MS = 10_000;

/**
 * Compares every document with a fold of the log, each at its own revision, and where the event
 * store has a projection engine with that engine's states. Documents that are late are waited for.
 * Without a name the active version. True where nothing differs and none is late.
 */
export const audit = async (
  { config, signal }: Pick<JobNeeds, 'config' | 'signal'>,
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

/** In anime of the version that is compared. */
export const auditProgress =
  (name: string, progress: JobOutput['progress']) =>
  ({ animes, total }: { readonly animes: number; readonly total: number }): void =>
    progress({ task: `audit of ${name}`, done: animes, total, unit: 'anime' });

/** Null where there is nothing to compare: that is no difference. */
const auditProjections = async (
  projections: Projections | undefined,
  documents: DocumentStore,
  { print, signal }: Pick<JobOutput, 'print'> & Pick<JobNeeds, 'signal'>,
): Promise<ProjectionComparison | null> => {
  if (projections === undefined) return null;
  try {
    const found = await compareWithProjections({ projections, documents, waitMs: WAIT_MS, signal });
    describeProjections(found, print);
    return found;
  } catch (error) {
    if (!(error instanceof PortError) || error.code !== 'NOT_SUPPORTED') throw error;
    print(`Projections: not comparable. ${error.message}`);
    return null;
  }
};
