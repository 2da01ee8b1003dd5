import { randomUUID } from 'node:crypto';
import {
  openLogToFill,
  openLogToRead,
  type OpenedTarget,
  settingsAt,
} from '../../compose/log-places.js';
import { openUsersOfCopy } from '../../compose/user-protection.js';
import { readLogIdentity, readOrMakeLogIdentity } from '../../compose/log-identity.js';
import { unlessAborted } from '../../platform/async/abort.js';
import { DirectoryInUseError } from '../../embedded-eventstore/lock.js';
import { ConfigError } from '../../platform/config/config.js';
import { PortError } from '../../ports/errors.js';
import type { EventStore, Position } from '../../ports/event-store.js';
import type { UserProtection } from '../../ports/user-protection.js';
import { protectEvent } from '../../user-protection/user-protection.js';
import { asOriginal } from '../../wire/original-time.js';
import {
  type JobDependencies,
  type JobOptions,
  type JobOutput,
  type OwnDependencies,
  ownerTakesNoJobs,
  runJob,
} from '../job.js';
import type { CopyLogRequest } from '../requests.js';
import { askService } from '../socket-client.js';
import { bytesOfLog, isForCopy, lastCommitIn, logPages } from './copied-events.js';
import { openCopyCheckpoint } from './copy-checkpoint.js';
import { serverTarget } from './server-target.js';
import { createStreamDigests } from './stream-digests.js';
import { embeddedTarget, type LogTarget } from './target.js';
import { addSource, compareWithTarget } from './verify-copy.js';

/**
 * Copies a log, or what was added since the last run, and compares source and target. If a service owns the
 * log and has no event store port, the service copies it.
 */
export const runCopyLogJob = async (
  options: JobOptions,
  request: CopyLogRequest,
): Promise<boolean> => {
  const { from, to, encrypt } = request;
  if (from === to) throw new ConfigError('--to: a log cannot be copied to itself.');
  try {
    return await runJob(options, async (dependencies) => {
      const source = await openLogToRead(dependencies, from, '--from');
      return await copyTo(dependencies, source, request, options);
    });
  } catch (error) {
    if (!(error instanceof DirectoryInUseError)) throw error;
    if (error.owner?.jobs === undefined) throw ownerTakesNoJobs(error);
    const args = ['copy-log', '--from', from, '--to', to, ...(encrypt ? ['--encrypt'] : [])];
    return await askService(error.owner.jobs, args, options);
  }
};

/** Like `copyLog`, in the service that owns the source. */
export const copyFrom = (
  source: EventStore,
  { config, logger, signal: stop }: JobDependencies,
  request: CopyLogRequest,
  output: JobOutput,
): Promise<boolean> =>
  runJob({ config, logger, stop }, (dependencies) => copyTo(dependencies, source, request, output));

const copyTo = async (
  dependencies: OwnDependencies,
  plain: EventStore,
  { to, encrypt }: CopyLogRequest,
  output: JobOutput,
): Promise<boolean> => {
  const { signal, config } = dependencies;
  const target = targetOf(await openLogToFill(dependencies, to, '--to'), signal);
  const own = { ...dependencies, config: settingsAt(config, to) };
  const source = encrypt ? withEncryptedUsers(plain, await openUsersOfCopy(own)) : plain;
  // A stopped job must not wait for a server that does not answer.
  return await unlessAborted(signal, copyLog({ source, target, signal, output }));
};

/** Encrypts plain user ids of the events it reads. */
const withEncryptedUsers = (source: EventStore, users: UserProtection): EventStore => ({
  ...source,
  readAll: async (options) =>
    Promise.all((await source.readAll(options)).map((event) => protectEvent(event, users))),
  async *read(stream, options) {
    for await (const event of source.read(stream, options)) yield await protectEvent(event, users);
  },
});

export const targetOf = (opened: OpenedTarget, signal: AbortSignal): LogTarget =>
  opened.kind === 'embedded'
    ? embeddedTarget(opened.log, opened.store, signal)
    : serverTarget(opened.store, signal);

interface CopyOptions {
  readonly source: EventStore;
  readonly target: LogTarget;
  readonly signal: AbortSignal;
  readonly output: JobOutput;
}

/** Returns false if source and target differ in the end. */
export const copyLog = async (options: CopyOptions): Promise<boolean> => {
  const { source, target, signal, output } = options;
  const end = await lastCommitIn(source);
  if (end === undefined) {
    output.print('The log to copy is empty.');
    output.report({ written: 0, streams: 0, events: 0, different: [] });
    return true;
  }
  const logId = await target.patiently(() => identifyTarget(source, target.store));
  const written = await copyRest(options, end);
  const digests = createStreamDigests();
  try {
    for await (const page of logPages(source, { end, signal })) {
      addSource(digests, target, page.filter(isForCopy).map(asOriginal));
      const done = page.at(-1)?.position.commit ?? end;
      output.progress({ task: 'read again', ...bytesOfLog(done, end) });
    }
    return await compareWithTarget({ digests, target, source, signal, output, written, logId });
  } finally {
    digests.close();
  }
};

/** A copy is a different log: the source's documents and topic must not be continued with it. */
const identifyTarget = async (source: EventStore, target: EventStore): Promise<string> => {
  const [ours, theirs] = await Promise.all([readLogIdentity(source), readLogIdentity(target)]);
  if (ours !== null && ours === theirs) {
    throw new PortError(
      'REFUSED',
      `--from and --to are the same log, or one was restored from a backup of the other: both are ${ours}.`,
      false,
    );
  }
  return theirs ?? (await readOrMakeLogIdentity(target, randomUUID()));
};

const EVENTS_PER_SAVE = 5_000;

const copyRest = async (
  { source, target, signal, output }: CopyOptions,
  end: bigint,
): Promise<number> => {
  const checkpoint = await openCopyCheckpoint(target, await nameOf(source));
  const { position: after } = checkpoint;
  if (after !== undefined && after.commit > end) throw endsEarlier(after, end);
  let written = 0;
  let read = 0;
  let reached: Position | undefined;
  for await (const page of logPages(source, { after, end, signal })) {
    written += await target.write(page.filter(isForCopy).map(asOriginal));
    reached = page.at(-1)?.position ?? reached;
    read += page.length;
    if (reached === undefined) continue;
    const begin = after?.commit ?? 0n;
    const detail = `${written.toLocaleString('en')} events`;
    output.progress({ task: 'copy', ...bytesOfLog(reached.commit - begin, end - begin, detail) });
    if (read < EVENTS_PER_SAVE) continue;
    await checkpoint.save(reached);
    read = 0;
  }
  if (reached !== undefined) await checkpoint.save(reached);
  return written;
};

/** The identity that a service gave the log, or the id of its first event. */
const nameOf = async (source: EventStore): Promise<string> => {
  const logId = await readLogIdentity(source);
  if (logId !== null) return logId;
  const [first] = await source.readAll({ direction: 'forwards', limit: 1 });
  return first?.id ?? 'empty';
};

const endsEarlier = (after: Position, end: bigint): PortError =>
  new PortError(
    'REFUSED',
    `The log to copy ends at position ${end}, but it was copied up to ${after.commit} before: it was ` +
      'restored from an older backup. Copy it to a new place.',
    false,
  );
