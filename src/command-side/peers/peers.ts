import { lookup } from 'node:dns/promises';
import type { AnimeId } from '../../domain/ids.js';
import { createOutage, type Outage } from '../../platform/async/outage.js';
import { repeat } from '../../platform/async/retry.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import { messageOf, UnavailableError } from '../../ports/errors.js';
import type { CommandHandler } from '../handling/handler.js';
import type { PeerServer } from './peer-server.js';
import { openPeer, ownerAmong, type Peer, seedOf } from './peer.js';

/** A host name may have several addresses, which are all used. */
export interface PeerAddress {
  readonly host: string;
  readonly port: number;
}

export interface Peers {
  /** The peer that owns the anime; null if this process does. */
  ownerOf(animeId: AnimeId): Peer | null;
  connected(): number;
  close(): Promise<void>;
}

const LOOK_EVERY_MS = 2000;

/** Connects to all other command APIs and keeps trying; recognises and skips its own address. */
export const connectPeers = (options: {
  readonly id: string;
  readonly key: string;
  readonly addresses: readonly PeerAddress[];
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly lookEveryMs?: number;
}): Peers => {
  const { id, key, addresses, logger, metrics, lookEveryMs = LOOK_EVERY_MS } = options;
  const stopping = new AbortController();
  const self = { seed: seedOf(id), peer: null };
  const members = new Map<string, { readonly seed: number; readonly peer: Peer | null }>([
    [id, self],
  ]);
  /** The id last seen at an address: our own, or that of a peer that may have left since. */
  const idAt = new Map<string, string>();
  const joining = new Set<string>();
  /** By address: one line when it cannot be reached, and one when it can again. */
  const outages = new Map<string, Outage>();

  const outageOf = (address: string): Outage => {
    const outage =
      outages.get(address) ??
      createOutage({
        logger,
        begun: `No commands are shared with the command API at ${address}`,
        ended: `The command API at ${address} can be reached`,
      });
    outages.set(address, outage);
    return outage;
  };

  const add = (peer: Peer, address: string): void => {
    idAt.set(address, peer.id);
    if (members.has(peer.id) || stopping.signal.aborted) {
      peer.close();
      return;
    }
    members.set(peer.id, { seed: peer.seed, peer });
    metrics.commandPeers.set(members.size - 1);
    logger.info('Sharing commands with another command API', { address });
    void peer.ended.then(() => {
      members.delete(peer.id);
      metrics.commandPeers.set(members.size - 1);
      if (!stopping.signal.aborted)
        logger.warn('Another command API has disconnected', { address });
    });
  };

  const join = async (host: string, port: number, address: string): Promise<void> => {
    joining.add(address);
    try {
      const peer = await openPeer({ host, port, id, key });
      outageOf(address).over();
      add(peer, address);
    } catch (error) {
      const reason = messageOf(error);
      outageOf(address).failed(new UnavailableError(reason, { cause: error }));
    } finally {
      joining.delete(address);
    }
  };

  const look = async (): Promise<void> => {
    const found = (await Promise.all(addresses.map(resolve))).flat();
    const current = new Set(found.map(({ host, port }) => `${host}:${port}`));
    // Restarted containers get new addresses.
    for (const known of [idAt, outages]) {
      for (const address of known.keys()) if (!current.has(address)) known.delete(address);
    }
    for (const { host, port } of found) {
      const address = `${host}:${port}`;
      const isMember = members.has(idAt.get(address) ?? '');
      if (!isMember && !joining.has(address)) void join(host, port, address);
    }
  };
  const looking = repeat(look, lookEveryMs, stopping.signal);

  return {
    ownerOf: (animeId) => ownerAmong(members.values(), animeId)?.peer ?? null,
    connected: () => members.size - 1,
    close: async () => {
      stopping.abort();
      await looking;
      for (const { peer } of members.values()) peer?.close();
    },
  };
};

const resolve = async ({ host, port }: PeerAddress): Promise<readonly PeerAddress[]> => {
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.map(({ address }) => ({ host: address, port }));
};

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
