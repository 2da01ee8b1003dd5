import type { Socket } from 'node:net';
import { ipKeyGenerator } from 'express-rate-limit';
import type { Logger } from '../observability/logger.js';

const WARN_EVERY_MS = 60_000;

/** Returns whether the address may open one more connection, and counts it until it closes. */
export const countByAddress = (options: {
  readonly maxConnectionsPerAddress?: number;
  readonly logger?: Pick<Logger, 'warn'>;
}): ((socket: Socket) => boolean) => {
  const { maxConnectionsPerAddress: limit = 0, logger } = options;
  if (limit === 0) return () => true;
  const counts = new Map<string, number>();
  let warnedAt = -Infinity;

  const refuse = (address: string): false => {
    if (performance.now() - warnedAt > WARN_EVERY_MS) {
      warnedAt = performance.now();
      logger?.warn(
        'Connections of an address are refused: it has reached MAX_CONNECTIONS_PER_ADDRESS',
        { address, limit },
      );
    }
    return false;
  };

  return (socket) => {
    const address = ipKeyGenerator(socket.remoteAddress ?? '');
    const count = counts.get(address) ?? 0;
    if (count >= limit) return refuse(address);
    counts.set(address, count + 1);
    socket.once('close', () => {
      const left = (counts.get(address) ?? 1) - 1;
      if (left === 0) counts.delete(address);
      else counts.set(address, left);
    });
    return true;
  };
};
