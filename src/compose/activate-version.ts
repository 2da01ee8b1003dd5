import { streamOf } from '../domain/stream-name.js';
import type { DocumentStore, VersionState } from '../ports/read-store.js';
import {
  headsOf,
  isWhole,
  lateOf,
  waitForLate,
  type Heads,
  type Late,
} from '../read-side/audit/heads.js';
import type { JobNeeds, JobOptions, Stores } from './job.js';
import { isMongodb } from './read-store.js';
import { isOwn, knownLog, otherFingerprint, refuseForeign } from './versions.js';

/** Makes a version that is of this log, finished and not behind the active one; false where it is not. */
export const activate = async (
  { config, signal }: JobNeeds,
  { eventStore, readStore, feeding }: Stores,
  { wanted, state }: { readonly wanted: string | undefined; readonly state: VersionState },
  print: JobOptions['print'],
): Promise<boolean> => {
  const versions = await readStore.versions();
  refuseForeign(config, versions, await knownLog(eventStore));
  const chosen =
    wanted === undefined
      ? versions.filter((each) => each.state === state && isOwn(readStore, each)).at(-1)
      : versions.find(({ name }) => name === wanted);
  if (chosen === undefined) {
    print(`There is no version ${wanted ?? `that is ${state}`}.`);
    return false;
  }
  if (!isOwn(readStore, chosen)) {
    print(otherFingerprint(chosen.name));
    return false;
  }
  if (chosen.state === 'building') {
    print(`${chosen.name} is not ready: anime-analytics rebuild finishes and compares it.`);
    return false;
  }
  // Embedded documents are this process's own: where it is no service, nobody fills them meanwhile.
  const waitMs = isMongodb(config) || feeding !== undefined ? CATCH_UP_MS : 0;
  const late = await behindActive({ eventStore, readStore }, chosen.name, { waitMs, signal });
  if (late > 0) {
    print(
      `${chosen.name} is behind the active version in ${late} anime: is it fed (serve projector)?`,
    );
    return false;
  }
  await readStore.promote(chosen.name);
  print(`${chosen.name} is active.`);
  return true;
};

const CATCH_UP_MS = 10_000;

/**
 * How many anime queries would see go back in time; a version that is fed soon has none. What the
 * active version holds and the log does not have is no reason to keep it.
 */
const behindActive = async (
  { eventStore, readStore }: Pick<Stores, 'eventStore' | 'readStore'>,
  version: string,
  patience: { readonly waitMs: number; readonly signal: AbortSignal },
): Promise<number> => {
  const active = await readStore.active();
  if (active === null) return 0;
  // How far another release's version is cannot be read: then the log is what counts.
  const revisions: Heads = isOwn(readStore, active)
    ? await revisionsIn(readStore.documents(active.name))
    : await headsOf(eventStore, patience.signal);
  const documents = readStore.documents(version);
  const late: Late[] = [];
  for (const { animeId, head: reached } of await lateOf(documents, revisions)) {
    if (!(await isWhole(eventStore, animeId))) continue;
    const known = await eventStore.head(streamOf(animeId));
    const head = known === 'no_stream' ? -1 : Math.min(reached, Number(known));
    late.push(...(await lateOf(documents, new Map([[animeId, head]]))));
  }
  return (await waitForLate(documents, late, patience)).length;
};

const revisionsIn = async (documents: DocumentStore): Promise<Heads> => {
  const revisions: Heads = new Map();
  for await (const { animeId, revision } of documents.allAnimes()) revisions.set(animeId, revision);
  return revisions;
};
