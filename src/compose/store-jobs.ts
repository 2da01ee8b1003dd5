import { DirectoryInUseError } from '../embedded-eventstore/lock.js';
import type { StoreJob } from '../cli.js';
import { PortError } from '../ports/errors.js';
import { audit } from './audit-job.js';
import { requireDataDirectory } from './data-directory.js';
import { ignore, listOrReplay } from './dead-letters-job.js';
import { openEventStoreForJob } from './event-store.js';
import {
  openStores,
  refusal,
  runJob,
  type JobNeeds,
  type JobOptions,
  type JobOutput,
  type Stores,
} from './job.js';
import { askService } from './job-client.js';
import { performRebuild } from './rebuild-job.js';

/** Does a job on stores that are open: in a process of its own, or in the service that has them. */
export const perform = async (
  job: StoreJob,
  needs: JobNeeds,
  stores: Stores,
  output: JobOutput,
): Promise<boolean> => {
  switch (job.command) {
    case 'audit':
      return await audit(needs, stores, job.version, output);
    case 'dead-letters':
      return job.action.kind === 'ignore'
        ? await ignore(stores.eventStore, job.action, output)
        : await listOrReplay(needs, stores, job.action, output);
    case 'rebuild':
      try {
        return await performRebuild(needs, stores, job.action, output);
      } catch (error) {
        // What the store refuses it says in a sentence: there is no such version, the active one stays.
        if (!(error instanceof PortError) || error.code !== 'CONFLICT') throw error;
        output.print(error.message);
        return false;
      }
  }
};

/** Does a job, or has it done by the service that has DATA_DIR, with the arguments that asked for it. */
export const runStoreJob = async (
  options: JobOptions,
  job: StoreJob,
  args: readonly string[],
): Promise<boolean> => {
  try {
    return await runJob(options, async (needs) => {
      if (job.command !== 'dead-letters' || job.action.kind !== 'ignore') {
        return await perform(job, needs, await openStores(needs, job), options);
      }
      // Needs the log alone, wherever that is.
      const { config } = needs;
      if (config.eventStore.url === '') await requireDataDirectory(config, { log: true });
      return await ignore(await openEventStoreForJob(needs), job.action, options);
    });
  } catch (error) {
    if (!(error instanceof DirectoryInUseError)) throw error;
    if (error.owner?.jobs === undefined) throw refusal(error);
    return await askService(error.owner.jobs, args, options);
  }
};
