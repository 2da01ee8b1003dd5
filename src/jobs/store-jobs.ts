import { lockDataDirectory, requireDataDirectory } from '../compose/data-directory.js';
import { isMongodb } from '../compose/read-store.js';
import { openStores, type Stores } from '../compose/stores.js';
import { openUsers } from '../compose/user-protection.js';
import { openEventStoreForJob, openUnownedEventStore } from '../compose/write-side.js';
import { isUserId } from '../domain/ids.js';
import { DirectoryInUseError } from '../embedded-eventstore/lock.js';
import { ConfigError } from '../platform/config/config.js';
import { PortError, type PortErrorCode } from '../ports/errors.js';
import { audit } from './audit.js';
import { backup } from './backup.js';
import { ignoreRevisions, listOrReplay } from './dead-letters.js';
import { exportStatistics } from './export.js';
import {
  type JobDependencies,
  type JobOptions,
  type JobOutput,
  type OwnDependencies,
  ownerTakesNoJobs,
  runJob,
} from './job.js';
import { copyFrom } from './log-copy/copy-log.js';
import { performRebuild } from './rebuild.js';
import { isReadOnly, type StoreJob } from './requests.js';
import { askService } from './socket-client.js';
import { requireEmbeddedLog, verify } from './verify.js';

type ErasureStores = Pick<Stores, 'eraseUser'>;

/**
 * Rejects with DirectoryInUseError if a service owns the log and the key store: it has keys in memory, so
 * it must run the erasure itself.
 */
const openStoresForErasure = async (dependencies: OwnDependencies): Promise<ErasureStores> => {
  const { config } = dependencies;
  const embedded = config.eventStore.url === '';
  if (embedded || !isMongodb(config)) await requireDataDirectory(config, { log: embedded });
  if (!embedded && !isMongodb(config)) await lockDataDirectory(dependencies);
  const eventStore = await openUnownedEventStore(dependencies);
  const users = await openUsers(dependencies, eventStore);
  return { eraseUser: () => Promise.resolve(users?.eraseUser ?? null) };
};

/** Returns false if events contain the user id in plain text, which cannot be erased. */
const eraseUser = async (
  { signal }: Pick<JobDependencies, 'signal'>,
  stores: ErasureStores,
  userId: string,
  { print, report }: JobOutput,
): Promise<boolean> => {
  if (!isUserId(userId)) throw new ConfigError('erase-user needs the id of a user.');
  const erase = await stores.eraseUser();
  if (erase === null) {
    throw new ConfigError(
      'USER_ID_MASTER_KEY: without it user ids are kept in plain text, which cannot be erased.',
    );
  }
  const notErased = await erase(userId, signal);
  report({ notErased });
  print('The user is forgotten.');
  const { events, streams } = notErased;
  if (events === 0) return true;
  print(
    `${events} events hold the id in plain text and cannot be erased: ${streams.join(', ')}. Copy the log with copy-log --encrypt.`,
  );
  return false;
};

/** Refusals of the read store, whose message is the job's output. */
const REFUSALS: ReadonlySet<PortErrorCode> = new Set(['NOT_FOUND', 'REFUSED']);

/** Runs a job on open stores: in a process of its own, or in the service that owns them. */
export const performStoreJob = async (
  job: StoreJob,
  dependencies: JobDependencies,
  stores: Stores,
  output: JobOutput,
): Promise<boolean> => {
  switch (job.command) {
    case 'audit':
      return await audit(dependencies, stores, job.version, output);
    case 'verify':
      return await verify(dependencies, stores, output);
    case 'backup':
      return await backup(dependencies, stores, job, output);
    case 'erase-user':
      return await eraseUser(dependencies, stores, job.userId, output);
    case 'copy-log':
      return await copyFrom(stores.eventStore, dependencies, job, output);
    case 'export-statistics':
      return await exportStatistics(stores, job.format, output, dependencies.signal);
    case 'dead-letters':
      return job.action.kind === 'ignore'
        ? await ignoreRevisions(stores.eventStore, job.action, output)
        : await listOrReplay(dependencies, stores, job.action, output);
    case 'rebuild':
      try {
        return await performRebuild(dependencies, stores, job.action, output);
      } catch (error) {
        if (!(error instanceof PortError) || !REFUSALS.has(error.code)) throw error;
        output.print(error.message);
        return false;
      }
  }
};

/** Runs a job here, or in the service that owns DATA_DIR, which gets the same arguments. */
export const runStoreJob = async (
  options: JobOptions,
  job: StoreJob,
  args: readonly string[],
): Promise<boolean> => {
  if (job.command === 'verify' || job.command === 'backup')
    requireEmbeddedLog(options.config, job.command);
  const needs = {
    readOnly: isReadOnly(job),
    readsLetters: job.command === 'dead-letters',
    asksProjections: job.command === 'audit',
  };
  try {
    return await runJob(options, async (dependencies) => {
      if (job.command === 'erase-user') {
        const stores = await openStoresForErasure(dependencies);
        return await eraseUser(dependencies, stores, job.userId, options);
      }
      if (job.command !== 'dead-letters' || job.action.kind !== 'ignore') {
        return await performStoreJob(
          job,
          dependencies,
          await openStores(dependencies, needs),
          options,
        );
      }
      // Ignoring events needs only the log, wherever that is.
      const { config } = dependencies;
      if (config.eventStore.url === '') await requireDataDirectory(config, { log: true });
      return await ignoreRevisions(await openEventStoreForJob(dependencies), job.action, options);
    });
  } catch (error) {
    if (!(error instanceof DirectoryInUseError)) throw error;
    if (error.owner?.jobs === undefined) throw ownerTakesNoJobs(error);
    return await askService(error.owner.jobs, argumentsOf(job, args), options);
  }
};

/** Resolved here, because the service has a different working directory. */
const argumentsOf = (job: StoreJob, args: readonly string[]): readonly string[] =>
  job.command === 'backup'
    ? [job.command, job.target, ...(job.logOnly ? ['--log-only'] : [])]
    : args;
