import type { Socket } from 'node:net';
import { ipKeyGenerator } from 'express-rate-limit';
import type { Logger } from '../observability/logger.js';

const WARN_EVERY_MS = 60_000;

/** Whether one more connection of its address is within the limit; counts it until it is closed. */
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
        'Connections of one address are closed: it has as many as MAX_CONNECTIONS_PER_ADDRESS allows',
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
