import type { Server } from '@grpc/grpc-js';
import { pause } from '../../../platform/retry.js';
import type { Calls } from './calls.js';

/**
 * Ending a call with pending appends as if all were well would leave the client waiting for ever:
 * appends are answered first, and a call ends with an error or with its connection.
 */
export const shutDown = async (
  server: Server,
  calls: Calls,
  drainTimeoutMs: number,
): Promise<void> => {
  const gone = new AbortController();
  const left = new Promise<void>((resolve) => {
    server.tryShutdown(() => {
      gone.abort();
      resolve();
    });
  });
  await calls.stop(drainTimeoutMs);
  await Promise.race([left, pause(drainTimeoutMs, gone.signal)]);
  server.forceShutdown();
};
