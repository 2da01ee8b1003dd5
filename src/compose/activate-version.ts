import type { ReadStore, VersionState } from '../ports/read-store.js';
import { lateOf, waitForLate, type Heads } from '../read-side/heads.js';
import type { JobNeeds, JobOptions, Stores } from './job.js';
import { isMongodb } from './read-store.js';
import { knownLog, refuseForeign } from './versions.js';

/** Makes a version that is of this log, finished and not behind the active one; false where it is not. */
export const activate = async (
  { config, signal }: JobNeeds,
  { eventStore, readStore }: Stores,
  { wanted, state }: { readonly wanted: string | undefined; readonly state: VersionState },
  print: JobOptions['print'],
): Promise<boolean> => {
  const versions = await readStore.versions();
  refuseForeign(config, versions, await knownLog(eventStore));
  const chosen =
    wanted === undefined
      ? versions.filter((version) => version.state === state).at(-1)
      : versions.find(({ name }) => name === wanted);
  if (chosen === undefined) {
    print(`There is no version ${wanted ?? `that is ${state}`}.`);
    return false;
  }
  if (chosen.state === 'building') {
    print(`${chosen.name} is not ready: anime-analytics rebuild finishes and compares it.`);
    return false;
  }
  // Embedded documents are this process's own: nobody else fills them meanwhile.
  const waitMs = isMongodb(config) ? CATCH_UP_MS : 0;
  const late = await behindActive(readStore, chosen.name, { waitMs, signal });
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

/** How many anime queries would see go back in time; a version that is fed soon has none. */
const behindActive = async (
  readStore: ReadStore,
  version: string,
  patience: { readonly waitMs: number; readonly signal: AbortSignal },
): Promise<number> => {
  const active = await readStore.active();
  if (active === null) return 0;
  const revisions: Heads = new Map();
  for await (const { animeId, revision } of readStore.documents(active.name).allAnimes()) {
    revisions.set(animeId, revision);
  }
  const documents = readStore.documents(version);
  const late = await lateOf(documents, revisions);
  return (await waitForLate(documents, late, patience)).length;
};
