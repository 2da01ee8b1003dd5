import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isMongodb } from '../compose/read-store.js';
import type { Stores } from '../compose/stores.js';
import { checkDatabase } from '../embedded-eventstore/files/file-tasks.js';
import { LOG_FILE } from '../embedded-eventstore/log/schema.js';
import { ConfigError, type Config } from '../platform/config/config.js';
import { audit } from './audit.js';
import type { JobDependencies, JobOutput } from './job.js';

/** The files of the embedded stores, relative to DATA_DIR, the log first. */
const databasesOf = async (config: Config): Promise<readonly string[]> => {
  const folder = 'read-models';
  const names = isMongodb(config)
    ? []
    : await readdir(join(config.dataDir, folder)).catch((): string[] => []);
  const documents = names.filter((name) => name.endsWith('.db')).map((name) => join(folder, name));
  const own = await readdir(config.dataDir).catch((): string[] => []);
  const keys = own.filter((name) => name === 'user-keys.db');
  return [LOG_FILE, ...keys, ...documents];
};

/** Refuses a job on embedded files if the log is on a server. */
export const requireEmbeddedLog = ({ eventStore }: Config, job: string): void => {
  if (eventStore.url === '') return;
  throw new ConfigError(
    `EVENTSTORE_URL: ${job} works on the embedded event store. Use the tools of the server.`,
  );
};

/**
 * Checks the files of the embedded stores, then the revisions and positions of the log, then audits
 * the active version. Returns false if anything is wrong.
 */
export const verify = async (
  dependencies: Pick<JobDependencies, 'config' | 'signal'>,
  stores: Stores,
  output: JobOutput,
): Promise<boolean> => {
  const { config, signal } = dependencies;
  const { print, progress, report } = output;
  const files: object[] = [];
  let sound = true;
  const names = await databasesOf(config);
  for (const [index, file] of names.entries()) {
    signal.throwIfAborted();
    progress({ task: 'verify', done: index, total: names.length, unit: 'files' });
    const { problems, log } = await checkDatabase(join(config.dataDir, file), file === LOG_FILE);
    sound &&= problems.length === 0;
    files.push({ file, problems, log });
    problems.forEach((problem) => print(`${file}: ${problem}`));
    const counts = log === undefined ? '' : `, ${log.events} events in ${log.streams} streams`;
    if (problems.length === 0) print(`${file}: sound${counts}.`);
  }
  let audited: Readonly<Record<string, unknown>> | null = null;
  const equal =
    sound &&
    (await audit(dependencies, stores, undefined, {
      ...output,
      report: (found) => (audited = found),
    }));
  if (!sound) print('Not audited, because a file is damaged.');
  report({ files, audit: audited });
  return equal;
};
