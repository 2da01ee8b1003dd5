import { PortError } from '../ports/errors.js';
import type { Projections } from '../ports/projections.js';
import type { DocumentStore } from '../ports/read-store.js';
import { compareWithProjections } from '../read-side/compare-projections.js';
import { compareWithLog } from '../read-side/fold-and-compare.js';
import { waitForLate } from '../read-side/heads.js';
import { describeComparison, describeProjections } from './describe-comparison.js';
import { openStores, runJob, type JobOptions } from './job.js';
import { isOwn, knownLog, otherFingerprint, refuseForeign } from './versions.js';

export interface AuditOptions extends JobOptions {
  /** Default: the active version of the read models. */
  readonly version: string | undefined;
}

const WAIT_MS = 10_000;

/**
 * Compares every document with a fold of the log, each at its own revision, and where the event
 * store has a projection engine with that engine's states. Documents that are late are waited for.
 * True where nothing differs and none is late.
 */
export const runAuditJob = (options: AuditOptions): Promise<boolean> =>
  runJob(options, async (needs) => {
    const { print, version, stop: signal } = options;
    const { eventStore, readStore } = await openStores(needs);
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
    refuseForeign(needs.config, known, await knownLog(eventStore));
    const documents = readStore.documents(name);
    const compared = await compareWithLog({ eventStore, documents, signal });
    const behind = await waitForLate(documents, compared.behind, { waitMs: WAIT_MS, signal });
    const equal = compared.differing === 0 && behind.length === 0;
    describeComparison({ ...compared, behind, equal }, print);
    print(equal ? `${name} equals the log.` : `${name} does not equal the log.`);
    const agree = await auditProjections(eventStore.projections, documents, options);
    return equal && agree;
  });

/** False only where a projection says something else: what cannot be compared is no difference. */
const auditProjections = async (
  projections: Projections | undefined,
  documents: DocumentStore,
  { print, stop: signal }: AuditOptions,
): Promise<boolean> => {
  if (projections === undefined) return true;
  try {
    const found = await compareWithProjections({ projections, documents, waitMs: WAIT_MS, signal });
    describeProjections(found, print);
    return found.different.length === 0;
  } catch (error) {
    if (!(error instanceof PortError) || error.code !== 'NOT_SUPPORTED') throw error;
    print(`Projections: not comparable. ${error.message}`);
    return true;
  }
};
