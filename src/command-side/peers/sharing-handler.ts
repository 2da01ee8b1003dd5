import type { Metrics } from '../../platform/observability/metrics.js';
import type { CommandHandler } from '../handling/handler.js';
import type { PeerServer } from './peer-server.js';
import type { Peers } from './peers.js';

/**
 * Forwards each command to the command API that owns its anime, so that commands of one anime are
 * batched wherever they arrive. Ownership only avoids conflicts: if two processes both assume it, or
 * the owner is unreachable, the exact expected revision still decides.
 */
export const createSharingHandler = (options: {
  readonly local: CommandHandler;
  readonly peers: Peers;
  readonly server: PeerServer;
  readonly metrics: Metrics;
}): CommandHandler => {
  const { local, peers, server, metrics } = options;
  const underWay = new Set<Promise<unknown>>();
  let draining: Promise<void> | undefined;

  const drain = async (): Promise<void> => {
    server.refuse();
    await Promise.all([local.drain(), ...underWay]);
    await peers.close();
    await server.close();
  };

  return {
    handle: async (command, given) => {
      const owner = draining === undefined ? peers.ownerOf(command.animeId) : null;
      if (owner === null) return local.handle(command, given);
      const forwarding = owner.forward(command, given);
      underWay.add(forwarding);
      const forwarded = await forwarding;
      underWay.delete(forwarding);
      metrics.commandsForwarded.inc({ outcome: forwarded.kind });
      switch (forwarded.kind) {
        case 'answered':
          return forwarded.result;
        case 'not-taken':
          return local.handle(command, given);
        case 'lost':
          // With a key a retry is safe: it finds the recorded event.
          return given.idempotencyKey === undefined
            ? { kind: 'outcome-unknown' }
            : local.handle(command, given);
      }
    },
    drain: () => (draining ??= drain()),
    refused: () => local.refused(),
  };
};
