import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isDamage, watchDatabaseFile } from '../sqlite.js';
import { EventLogError } from './event-log.js';

/** Whether the log can be read and written, as its appends and reads have shown. */
export interface LogCheck {
  /** Throws while the file is no longer at its path. */
  assertInPlace(): void;
  committed(): void;
  /** A transaction failed. */
  failed(message: string): void;
  /** A read found a damaged page. */
  damaged(error: EventLogError): void;
  /** The outcome of a requested probe. */
  readonly probed: (outcome: { readonly failure?: string }) => void;
  /** Passes the function that makes the writer commit a change without effect. */
  attach(probe: () => void): void;
  /** Rejects with an EventLogError whose message is for the operator. */
  run(): Promise<void>;
}

/** After a commit this recent no probe is needed, which keeps the load on the disk low. */
const FRESH_MS = 2_000;
const PROBE_TIMEOUT_MS = 1_500;
/** With less free space a probe could succeed where commands fail. */
const LEAST_ROOM_BYTES = 1024 * 1024;

export const createLogCheck = (path: string): LogCheck => {
  let probe = (): void => undefined;
  const isInPlace = watchDatabaseFile(path);
  let isLost = false;
  let failure: string | undefined;
  let damage: EventLogError | undefined;
  let committedAt = -Infinity;
  let probing: { readonly done: Promise<void>; readonly end: () => void } | undefined;

  const assertInPlace = (): void => {
    if (isLost) isLost = !isInPlace();
    if (isLost) throw fileLost();
  };

  const committed = (): void => {
    failure = undefined;
    committedAt = performance.now();
  };

  const startProbe = () => {
    let end = (): void => undefined;
    const done = new Promise<void>((resolve) => (end = resolve));
    probing = { done, end };
    probe();
    return probing;
  };

  /** False if the disk has not answered in time. */
  const isProbed = async (): Promise<boolean> => {
    const { done } = probing ?? startProbe();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, PROBE_TIMEOUT_MS, false);
    });
    const inTime = await Promise.race([done.then(() => true), late]);
    clearTimeout(timer);
    return inTime;
  };

  return {
    assertInPlace,
    committed,
    failed: (message) => {
      failure = message;
      isLost = !isInPlace();
      if (DAMAGE_MESSAGE.test(message)) damage ??= damagedLog(message);
    },
    damaged: (error) => void (damage ??= error),
    probed: ({ failure: message }) => {
      if (message === undefined) committed();
      else failure = message;
      probing?.end();
      probing = undefined;
    },
    attach: (to) => void (probe = to),
    run: async () => {
      isLost = !isInPlace();
      assertInPlace();
      if (damage !== undefined) throw damage;
      if (failure === undefined && performance.now() - committedAt < FRESH_MS) return;
      if (failure !== undefined && DISK_FULL.test(failure) && (await hasNoRoom(path))) {
        throw unwritable(failure);
      }
      if (!(await isProbed())) throw unwritable('its disk does not answer');
      if (failure !== undefined) throw unwritable(failure);
    },
  };
};

const DISK_FULL = /disk is full/;
const DAMAGE_MESSAGE = /malformed|not a database/;

const hasNoRoom = async (path: string): Promise<boolean> => {
  const { bavail, bsize } = await statfs(dirname(path));
  return bavail * bsize < LEAST_ROOM_BYTES;
};

const unwritable = (message: string): EventLogError =>
  new EventLogError(
    'failed',
    DISK_FULL.test(message)
      ? 'The disk of the event log is full: commands fail until there is room again.'
      : `The event log cannot be written, and commands fail until it can: ${message}.`,
  );

/** What every transaction and call fails with while the file is not where it was opened. */
export const FILE_LOST =
  'The event log (events.db) was removed, moved or replaced under the running service, so no command ' +
  'is taken. Put the same file back, or restore a backup and restart the service.';

const fileLost = (): EventLogError => new EventLogError('failed', FILE_LOST);

export const damagedLog = (message: string): EventLogError =>
  new EventLogError(
    'corrupt',
    `The event log (events.db) is damaged (${message}). Stop the service and restore a backup.`,
  );

/** A damaged page as an error of the log; any other failure as it is. */
export const readFailure = (error: unknown): unknown =>
  error instanceof Error && isDamage(error) ? damagedLog(error.message) : error;
