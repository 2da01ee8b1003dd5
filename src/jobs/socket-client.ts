import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { ConfigError } from '../platform/config/config.js';
import { UnavailableError } from '../ports/errors.js';
import type { JobOptions } from './job.js';
import {
  socketLines,
  serverDigests,
  toJson,
  type JobFrame,
  type JobRequest,
} from './socket-protocol.js';

export const MAX_OUTPUT = 64 * 1024 * 1024;

/** Runs a job in the service that listens on the socket, and relays its output. */
export const askService = async (
  path: string,
  args: readonly string[],
  options: JobOptions,
): Promise<boolean> => {
  const { config, stop } = options;
  const socket = await connected(path);
  const request: JobRequest = { args, servers: serverDigests(config) };
  socket.write(`${toJson(request)}\n`);
  const onStop = (): void => void socket.write('stop\n');
  stop.addEventListener('abort', onStop);
  if (stop.aborted) onStop();
  try {
    for await (const line of socketLines(socket, MAX_OUTPUT)) {
      const frame = JSON.parse(line) as JobFrame;
      if ('done' in frame) return frame.done;
      if ('error' in frame) {
        throw frame.isUsage ? new ConfigError(frame.error) : new UnavailableError(frame.error);
      }
      relay(frame, options);
      await options.drained?.();
    }
  } catch (error) {
    throw isConnectionLost(error) ? serviceGone() : error;
  } finally {
    stop.removeEventListener('abort', onStop);
    socket.destroy();
  }
  throw serviceGone();
};

/** Nothing listens on the socket. */
export class UnreachableServiceError extends ConfigError {}

const relay = (frame: JobFrame, { print, report, progress }: JobOptions): void => {
  if ('print' in frame) print(frame.print);
  else if ('report' in frame) report(frame.report);
  else if ('progress' in frame) progress(frame.progress);
};

export const connected = async (path: string): Promise<Socket> => {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new UnreachableServiceError(
      code === 'EACCES' || code === 'EPERM'
        ? 'DATA_DIR: its service belongs to another user: run the job as that user.'
        : `DATA_DIR: its service does not take the job (${code}): is it stopping, or in another container?`,
    );
  }
  return socket;
};

/** The other side closed the connection, or was killed. */
export const isConnectionLost = (error: unknown): boolean =>
  error instanceof Error && ('syscall' in error || isPremature(error));

const isPremature = (error: Error): boolean =>
  'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';

export const SERVICE_GONE = 'The service stopped before the job was done: run the job again.';

const serviceGone = () => new UnavailableError(SERVICE_GONE);
