import type { RebuildAction } from '../cli.js';
import { PortError } from '../ports/errors.js';
import type { ReadStore, VersionRecord } from '../ports/read-store.js';
import type { Comparison } from '../read-side/fold-and-compare.js';
import { aheadOf, headsOf, lateOf } from '../read-side/heads.js';
import { rebuild } from '../read-side/rebuild.js';
import { watchRebuild } from '../read-side/watch-rebuild.js';
import { readLogIdentity } from '../wire/log-identity.js';
import { activate } from './activate-version.js';
import { isKafka, openDeadLettersOf } from './bus.js';
import { describeComparison } from './describe-comparison.js';
import { isMongodb } from './read-store.js';
import { openStores, runJob, type JobNeeds, type JobOptions, type Stores } from './job.js';
import { rebuildProgress } from './rebuild-progress.js';
import { isOwn, knownLog, nextName, refuseForeign } from './versions.js';

/** Versions of the read models: built beside the active one, promoted, rolled back, pruned. */
export const runRebuildJob = (options: JobOptions, action: RebuildAction): Promise<boolean> =>
  runJob(options, async (needs) => {
    const stores = await openStores(needs);
    try {
      return await perform(action, needs, stores, options.print);
    } catch (error) {
      // What the store refuses it says in a sentence: there is no such version, the active one stays.
      if (!(error instanceof PortError) || error.code !== 'CONFLICT') throw error;
      options.print(error.message);
      return false;
    }
  });

const perform = async (
  action: RebuildAction,
  needs: JobNeeds,
  stores: Stores,
  print: JobOptions['print'],
): Promise<boolean> => {
  const { readStore } = stores;
  switch (action.kind) {
    case 'build':
      return await build(needs, stores, print);
    case 'status':
      return await status(needs, stores, print);
    case 'promote':
      return await activate(needs, stores, { wanted: action.version, state: 'ready' }, print);
    case 'rollback':
      return await activate(needs, stores, { wanted: action.version, state: 'old' }, print);
    case 'prune':
      await readStore.prune(action.version);
      print(`${action.version} is removed.`);
      return true;
  }
};

const build = async (
  needs: JobNeeds,
  { eventStore, readStore }: Stores,
  print: JobOptions['print'],
): Promise<boolean> => {
  const { config, logger, metrics, signal } = needs;
  const logId = await knownLog(eventStore);
  const versions = await readStore.versions();
  refuseForeign(config, versions, logId);
  const version = nextOf(readStore, versions);
  const shared = { eventStore, readStore, logId, version, signal };
  const progress = rebuildProgress(print, version);
  // Where both are servers, the projectors that run there fill it.
  if (isKafka(config) && isMongodb(config)) {
    const watched = await watchRebuild({ ...shared, onProgress: progress });
    if (watched.kind === 'built')
      return conclude(version, watched.state, watched.comparison, print);
    print(
      `No event was added to ${version} for a while (${watched.events} of ${watched.total}): does a ` +
        'projector run (serve projector)? The same command goes on where this one stopped.',
    );
    return false;
  }
  const deadLetters = await openDeadLettersOf(needs);
  const heads = await headsOf(eventStore, signal);
  const total = [...heads.values()].reduce((sum, head) => sum + head + 1, 0);
  const { state, comparison } = await rebuild({
    ...{ ...shared, deadLetters, logger, metrics },
    onProgress: ({ events }) => progress({ events, total }),
  });
  return comparison !== null && conclude(version, state, comparison, print);
};

const conclude = (
  version: string,
  state: VersionRecord['state'],
  comparison: Comparison,
  print: JobOptions['print'],
): boolean => {
  describeComparison(comparison, print);
  if (comparison.equal) print(`${version} is ${state}: anime-analytics rebuild promote ${version}`);
  return comparison.equal;
};

/** One that was begun and not finished, else the next number. */
const nextOf = (readStore: ReadStore, versions: readonly VersionRecord[]): string =>
  versions.find((version) => version.state === 'building' && isOwn(readStore, version))?.name ??
  nextName(versions);

const status = async (
  { signal }: JobNeeds,
  { eventStore, readStore }: Stores,
  print: JobOptions['print'],
): Promise<boolean> => {
  const logId = await readLogIdentity(eventStore);
  const heads = await headsOf(eventStore, signal);
  for (const version of await readStore.versions()) {
    const { name, state, createdAt, logId: theirs } = version;
    if (!isOwn(readStore, version)) {
      print(
        `${name.padEnd(8)} ${state.padEnd(8)} since ${createdAt}, of another release (fingerprint ` +
          `${version.fingerprint ?? 'none'}, not ${readStore.fingerprint})`,
      );
      continue;
    }
    const late = await lateOf(readStore.documents(name), heads);
    const behind = late.reduce((sum, { by }) => sum + by, 0);
    const ahead = await aheadOf(eventStore, readStore.documents(name), heads);
    const beyond = ahead === 0 ? '' : `, ${ahead} anime ahead of the log`;
    const foreign = theirs === logId ? '' : ', of another log';
    print(
      `${name.padEnd(8)} ${state.padEnd(8)} since ${createdAt}, ${behind} events behind${beyond}${foreign}`,
    );
  }
  return true;
};
