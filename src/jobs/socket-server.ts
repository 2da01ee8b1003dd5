import { randomUUID } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { announceJobs } from '../embedded-eventstore/lock.js';
import { ConfigError, type Config } from '../platform/config/config.js';
import type { Logger } from '../platform/observability/logger.js';
import { messageOf, PortError } from '../ports/errors.js';
import type { ListTitle } from '../import/catalog-import.js';
import { listTitlesOf } from './import-server.js';
import type { JobOutput } from './job.js';
import { isReadOnly, type StoreJob } from './requests.js';
import {
  IMPORT,
  IMPORT_PROTOCOL,
  type JobFrame,
  JobRefusedError,
  type JobRequest,
  type OutcomesFrame,
  serverDigests,
  socketLines,
  toJson,
} from './socket-protocol.js';

export interface JobServerOptions {
  readonly config: Config;
  readonly logger: Logger;
  /** Checks the arguments as on the command line; null if they are not a store job. */
  readonly parse: (args: readonly string[]) => StoreJob | null;
  readonly perform: (job: StoreJob, signal: AbortSignal, output: JobOutput) => Promise<boolean>;
  /** Lists the titles of one import. */
  readonly openImport: () => Promise<ListTitle>;
}

export interface JobServer {
  /** The path of the socket. */
  readonly path: string;
  readonly close: () => Promise<void>;
}

const MAX_JOBS = 4;
const MAX_CONNECTIONS = 16;
/** Characters in a line from a client, twice the largest title. */
const MAX_REQUEST_LINE = 256 * 1024;
const REQUEST_WITHIN_MS = 5_000;
/** How long a client has to read the last frame and to close the connection. */
const CLOSE_WITHIN_MS = 1_000;
/** Unread output, after which a client is disconnected. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;

/**
 * Runs jobs for clients of a socket that only the user of this process can open: file permissions are
 * the only credential. The owner file of DATA_DIR holds its path.
 */
export const openJobServer = async (options: JobServerOptions): Promise<JobServer> => {
  const { config, logger } = options;
  const stopping = new AbortController();
  const running = new Map<Promise<void>, { readonly writes: boolean }>();

  /** Limits concurrent jobs, and allows one writer. */
  const admit = (job: RequestedJob): { readonly writes: boolean } => {
    // An import only sends commands, as any client does.
    const writes = job.command !== IMPORT && !isReadOnly(job);
    const others = [...running.values()];
    if (others.length > MAX_JOBS)
      throw new JobRefusedError(`${MAX_JOBS} jobs are running: wait until one ends.`);
    if (writes && others.some((other) => other.writes)) {
      throw new JobRefusedError('Another job that writes is running: wait until it ends.');
    }
    return { writes };
  };

  const serve = async (socket: Socket, entry: { writes: boolean }): Promise<void> => {
    const send = (frame: JobFrame | OutcomesFrame | { readonly ready: true }): void => {
      if (socket.writableLength > MAX_UNREAD_BYTES) socket.destroy();
      else if (socket.writable) socket.write(`${toJson(frame)}\n`);
    };
    const client = new AbortController();
    socket.once('close', () => client.abort());
    const signal = AbortSignal.any([client.signal, stopping.signal]);
    const lines = socketLines(socket, MAX_REQUEST_LINE);
    const perform = async (job: RequestedJob): Promise<boolean> => {
      if (job.command === IMPORT) {
        send({ ready: true });
        const sent = () => untilSocketDrained(socket, signal);
        await listTitlesOf({ lines, send, sent }, await options.openImport(), signal);
        return true;
      }
      void followStop(lines, client);
      return options.perform(job, signal, {
        print: (print) => send({ print }),
        report: (report) => send({ report }),
        progress: (progress) => send({ progress }),
        drained: () => untilSocketDrained(socket, signal),
      });
    };
    try {
      const job = await requestedJob(options, socket, lines);
      entry.writes = admit(job).writes;
      logger.info('Job of the command line started', { job: shownJob(job) });
      send({ done: await perform(job) });
    } catch (error) {
      const isShutDown = stopping.signal.aborted;
      if (!isExplained(error) && !signal.aborted)
        logger.error('Job of the command line failed', { error });
      const isUsage = error instanceof ConfigError;
      send({ error: sentenceOf(error, isShutDown, client.signal.aborted), isUsage });
    }
    await closeSocket(socket, lines);
  };

  const server = createServer((socket) => {
    // `close` follows, which aborts the job.
    socket.on('error', () => undefined);
    const entry = { writes: false };
    const job = serve(socket, entry).finally(() => running.delete(job));
    running.set(job, entry);
  });
  server.maxConnections = MAX_CONNECTIONS;
  const place = await listenPrivately(server, config.dataDir);
  announceJobs(config.dataDir, place.path);

  const close = async (): Promise<void> => {
    announceJobs(config.dataDir, undefined);
    stopping.abort();
    const serverClosed = new Promise((done) => server.close(done));
    await Promise.all(running.keys());
    await serverClosed;
    await place.remove();
  };
  return { path: place.path, close };
};

/** For the log: an erased user id must not stay there. */
const shownJob = (job: RequestedJob): object =>
  job.command === 'erase-user' ? { command: job.command } : job;

type RequestedJob = StoreJob | { readonly command: typeof IMPORT };

const requestedJob = async (
  { config, parse }: JobServerOptions,
  socket: Socket,
  lines: AsyncGenerator<string>,
): Promise<RequestedJob> => {
  const timer = setTimeout(() => socket.destroy(), REQUEST_WITHIN_MS);
  const line = await lines.next().finally(() => clearTimeout(timer));
  if (line.done === true) throw new JobRefusedError('The connection ended before a request.');
  const { args, servers, protocol } = readRequest(line.value);
  const isImport = args[0] === IMPORT;
  if (isImport && protocol !== IMPORT_PROTOCOL) {
    throw new JobRefusedError(
      `The service takes imports by protocol ${IMPORT_PROTOCOL}, not ${protocol ?? 0}: use the release of the service.`,
    );
  }
  const ofLogOnly = isImport || args[0] === 'copy-log';
  const others = Object.entries(serverDigests(config)).flatMap(([name, digest]) =>
    // These concern only the event store.
    servers[name] === digest || (ofLogOnly && name !== 'EVENTSTORE_URL') ? [] : [name],
  );
  if (others.length > 0) {
    throw new ConfigError(
      `${others.join(', ')}: the service that owns DATA_DIR has different values: run the job with the same ones.`,
    );
  }
  if (isImport) return { command: IMPORT };
  const job = parsedJob(args, parse);
  if (job !== null) return job;
  throw new JobRefusedError(`${args[0]} is not a job for a running service.`);
};

/** Wrong usage is the client's mistake, like a wrong setting. */
const parsedJob = (args: readonly string[], parse: JobServerOptions['parse']): StoreJob | null => {
  try {
    return parse(args);
  } catch (error) {
    throw new ConfigError(messageOf(error));
  }
};

const readRequest = (line: string): JobRequest => {
  try {
    const request = JSON.parse(line) as Partial<Record<keyof JobRequest, unknown>>;
    const { args, servers, protocol } = request;
    const isArgs = Array.isArray(args) && args.every((each) => typeof each === 'string');
    if (isArgs && typeof servers === 'object' && servers !== null) {
      const known = typeof protocol === 'number' ? { protocol } : {};
      return { args, servers: servers as JobRequest['servers'], ...known };
    }
  } catch {
    // Refused below, as is JSON of another shape.
  }
  throw new JobRefusedError(
    'The request cannot be read: does the job have another version than the service?',
  );
};

/** Any further line stops the job, and so does the end of the connection. */
const followStop = async (
  lines: AsyncGenerator<string>,
  client: AbortController,
): Promise<void> => {
  await lines.next().catch(() => undefined);
  client.abort();
};

const untilSocketDrained = async (socket: Socket, signal: AbortSignal): Promise<void> => {
  if (socket.writableNeedDrain) await once(socket, 'drain', { signal });
};

/**
 * Ends the connection. What the client sends meanwhile is discarded: closed with unread data, the
 * connection would be reset, and the client might not see the last frame.
 */
const closeSocket = async (socket: Socket, lines: AsyncGenerator<string>): Promise<void> => {
  if (socket.destroyed) return;
  const close = once(socket, 'close');
  const timer = setTimeout(() => socket.destroy(), CLOSE_WITHIN_MS);
  socket.end();
  void discard(lines).then(() => socket.resume());
  await close;
  clearTimeout(timer);
};

const discard = async (lines: AsyncGenerator<string>): Promise<void> => {
  try {
    while ((await lines.next()).done !== true);
  } catch {
    // A line that is too long ends the input as well.
  }
};

const isExplained = (error: unknown): boolean =>
  [ConfigError, PortError, JobRefusedError].some((kind) => error instanceof kind);

const sentenceOf = (error: unknown, isShutDown: boolean, isStopped: boolean): string => {
  if (isShutDown) return 'The service is stopping: run the job again once it is back.';
  if (isStopped) return 'Stopped.';
  const message = messageOf(error);
  return isExplained(error) ? message : `${message} See the log of the service.`;
};

/** Operating systems limit the path of a socket to about 104 bytes. */
const MAX_PATH_BYTES = 100;

/** Listens in a private directory: below DATA_DIR, unless that path is too long. */
const listenPrivately = async (server: Server, dataDir: string) => {
  if (process.platform === 'win32') {
    const path = `\\\\.\\pipe\\anime-analytics-${randomUUID()}`;
    await listenOn(server, path);
    return { path, remove: () => Promise.resolve() };
  }
  const inside = join(resolve(dataDir), 'jobs', 'socket');
  const isShort = Buffer.byteLength(inside) <= MAX_PATH_BYTES;
  // Some file systems have no sockets.
  const path = (isShort && (await bound(server, inside))) || (await boundElsewhere(server));
  return { path, remove: () => rm(dirname(path), { recursive: true, force: true }) };
};

const bound = async (server: Server, path: string): Promise<string | null> => {
  try {
    await rm(path, { force: true });
    await mkdir(dirname(path), { mode: 0o700, recursive: true });
    await chmod(dirname(path), 0o700);
    await listenOn(server, path);
    await chmod(path, 0o600);
    return path;
  } catch {
    return null;
  }
};

const boundElsewhere = async (server: Server): Promise<string> => {
  const path = join(await mkdtemp(join(tmpdir(), 'anime-analytics-')), 'socket');
  await listenOn(server, path);
  await chmod(path, 0o600);
  return path;
};

const listenOn = async (server: Server, path: string): Promise<void> => {
  server.listen(path);
  await once(server, 'listening');
};
