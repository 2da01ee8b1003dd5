import type { RebuildAction } from './requests.js';
import { streamOf } from '../domain/ids.js';
import type { EventStore } from '../ports/event-store.js';
import type { DocumentStore, ReadStore, VersionRecord, VersionState } from '../ports/read-store.js';
import type { Comparison } from '../read-side/audit/compare.js';
import {
  aheadOf,
  type StreamHeads,
  headsOf,
  hasWholeStream,
  type Late,
  lateOf,
  waitForLate,
} from '../read-side/audit/heads.js';
import { rebuild } from '../read-side/rebuild/rebuild.js';
import { replayAnime } from '../read-side/rebuild/replay.js';
import { watchRebuild } from '../read-side/rebuild/watch.js';
import { readLogIdentity } from '../compose/log-identity.js';
import { auditProgress, describeComparison } from './audit.js';
import { isKafka } from '../compose/bus.js';
import type { JobDependencies, JobOptions, JobOutput } from './job.js';
import type { Stores } from '../compose/stores.js';
import { isMongodb } from '../compose/read-store.js';
import { isOwn, knownLog, nextName, otherFingerprint, refuseForeign } from '../compose/versions.js';

/** Promotes a version of this log that is complete and not behind the active one; else returns false. */
const activate = async (
  { config, signal }: JobDependencies,
  { eventStore, readStore, projectorControl }: Stores,
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
    print(`${chosen.name} is not ready: anime-analytics rebuild completes and compares it.`);
    return false;
  }
  // Without a service, no projector updates embedded documents: waiting would not help.
  const waitMs = isMongodb(config) || projectorControl !== undefined ? CATCH_UP_MS : 0;
  const late = await behindActive({ eventStore, readStore }, chosen.name, { waitMs, signal });
  if (late > 0) {
    print(
      `${chosen.name} is behind the active version in ${late} anime: does a projector run (serve projector)?`,
    );
    return false;
  }
  await readStore.promote(chosen.name);
  print(`${chosen.name} is active.`);
  return true;
};

const CATCH_UP_MS = 10_000;

/**
 * The number of anime whose answers would go back in time. Waits while a projector catches up. Events
 * that only the active version has, because the log lost them, do not count.
 */
const behindActive = async (
  { eventStore, readStore }: Pick<Stores, 'eventStore' | 'readStore'>,
  version: string,
  patience: { readonly waitMs: number; readonly signal: AbortSignal },
): Promise<number> => {
  const active = await readStore.active();
  if (active === null) return 0;
  // The revisions of another release's version cannot be read: compare with the log instead.
  const revisions: StreamHeads = isOwn(readStore, active)
    ? await revisionsIn(readStore.documents(active.name))
    : await headsOf(eventStore, patience.signal);
  const documents = readStore.documents(version);
  const late: Late[] = [];
  for (const { animeId, head: reached } of await lateOf(documents, revisions)) {
    if (!(await hasWholeStream(eventStore, animeId))) continue;
    const known = await eventStore.head(streamOf(animeId));
    const head = known === 'no_stream' ? -1 : Math.min(reached, Number(known));
    late.push(...(await lateOf(documents, new Map([[animeId, head]]))));
  }
  return (await waitForLate(documents, late, patience)).length;
};

const revisionsIn = async (documents: DocumentStore): Promise<StreamHeads> => {
  const revisions: StreamHeads = new Map();
  for await (const { animeId, revision } of documents.allAnimes()) revisions.set(animeId, revision);
  return revisions;
};

/** Builds, lists, promotes, rolls back and prunes versions of the read models. */
export const performRebuild = async (
  dependencies: JobDependencies,
  stores: Stores,
  action: RebuildAction,
  output: JobOutput,
): Promise<boolean> => {
  const { print, report } = output;
  const { readStore, projectorControl } = stores;
  switch (action.kind) {
    case 'build':
      return await buildVersion(dependencies, stores, output);
    case 'status':
      return await showVersions(dependencies, stores, output);
    case 'promote':
    case 'rollback': {
      const state = action.kind === 'promote' ? 'ready' : 'old';
      const done = await activate(dependencies, stores, { wanted: action.version, state }, print);
      if (done) report({ version: (await readStore.active())?.name });
      return done;
    }
    case 'prune':
      // The store refuses to prune the active version, so keep its projector running.
      if ((await readStore.active())?.name !== action.version)
        await projectorControl?.release(action.version);
      await readStore.prune(action.version);
      print(`${action.version} is removed.`);
      report({ version: action.version });
      return true;
  }
};

/** Small batches, because the service's commands wait for each one. */
const IN_SERVICE = { batchEvents: 500, cachedDocuments: 50_000 };

const buildVersion = async (
  dependencies: JobDependencies,
  { eventStore, readStore, deadLetters: openDeadLetters, projectorControl }: Stores,
  output: JobOutput,
): Promise<boolean> => {
  const { config, logger, metrics, signal } = dependencies;
  const { print, report, progress } = output;
  const logId = await knownLog(eventStore);
  const versions = await readStore.versions();
  refuseForeign(config, versions, logId);
  const version = nextOf(readStore, versions);
  const shared = { eventStore, readStore, logId, version, signal };
  const show = ({ events: done, total }: { readonly events: number; readonly total: number }) =>
    progress({ task: `rebuild of ${version}`, done, total, unit: 'events' });
  // With two servers, the running projectors build the version; this only watches.
  if (isKafka(config) && isMongodb(config)) {
    const watched = await watchRebuild({ ...shared, onProgress: show });
    if (watched.kind === 'built') {
      return conclude(version, watched.state, watched.comparison, output);
    }
    const { events, total } = watched;
    print(
      `${version} is not making progress (${events} of ${total} events): does a projector run ` +
        '(serve projector)? The same command resumes where this one stopped.',
    );
    report({ version, state: 'building', events, total });
    return false;
  }
  const deadLetters = await openDeadLetters();
  const heads = await headsOf(eventStore, signal);
  const total = [...heads.values()].reduce((sum, head) => sum + head + 1, 0);
  const { state, comparison, events } = await rebuild({
    ...shared,
    deadLetters,
    logger,
    metrics,
    ...(projectorControl === undefined ? {} : IN_SERVICE),
    onProgress: ({ events: done }) => show({ events: done, total }),
    onCompared: auditProgress(version, progress),
  });
  print(`${version}: ${events} events (100 %).`);
  if (comparison === null) return false;
  if (comparison.differing === 0) {
    await projectorControl?.adopt(version, () => replayLate(shared, readStore.documents(version)));
  }
  return conclude(version, state, comparison, output);
};

/** Adds events that were published after the build and before the version's projector started. */
const replayLate = async (
  shared: { readonly eventStore: EventStore; readonly logId: string; readonly signal: AbortSignal },
  documents: DocumentStore,
): Promise<void> => {
  const heads = await headsOf(shared.eventStore, shared.signal);
  for (const { animeId } of await lateOf(documents, heads)) {
    shared.signal.throwIfAborted();
    await replayAnime({ ...shared, documents, animeId });
  }
};

const conclude = (
  version: string,
  state: VersionRecord['state'],
  comparison: Comparison,
  { print, report }: JobOutput,
): boolean => {
  // Events added since are not a difference: the projector applies them.
  const equal = comparison.equal || (comparison.differing === 0 && state !== 'building');
  describeComparison(comparison, print);
  if (equal) print(`${version} is ${state}: anime-analytics rebuild promote ${version}`);
  report({ version, state, comparison });
  return equal;
};

/** Resumes an interrupted build, or takes the next number. */
const nextOf = (readStore: ReadStore, versions: readonly VersionRecord[]): string =>
  versions.find((version) => version.state === 'building' && isOwn(readStore, version))?.name ??
  nextName(versions);

const showVersions = async (
  { signal }: JobDependencies,
  { eventStore, readStore }: Stores,
  { print, report }: JobOutput,
): Promise<boolean> => {
  const logId = await readLogIdentity(eventStore);
  const heads = await headsOf(eventStore, signal);
  const listed: object[] = [];
  for (const version of await readStore.versions()) {
    const { name, state, createdAt, logId: theirs } = version;
    if (!isOwn(readStore, version)) {
      listed.push({ ...version, ofOtherRelease: true });
      print(
        `${name.padEnd(8)} ${state.padEnd(8)} since ${createdAt}, of another release (fingerprint ` +
          `${version.fingerprint ?? 'none'}, not ${readStore.fingerprint})`,
      );
      continue;
    }
    const late = await lateOf(readStore.documents(name), heads);
    const behind = late.reduce((sum, { by }) => sum + by, 0);
    const ahead = await aheadOf(eventStore, readStore.documents(name), heads);
    const ofOtherLog = theirs !== logId;
    listed.push({ ...version, ofOtherRelease: false, ofOtherLog, behind, ahead });
    const beyond = ahead === 0 ? '' : `, ${ahead} anime ahead of the log`;
    const foreign = ofOtherLog ? ', of another log' : '';
    print(
      `${name.padEnd(8)} ${state.padEnd(8)} since ${createdAt}, ${behind} events behind${beyond}${foreign}`,
    );
  }
  report({ versions: listed });
  return true;
};
