import { randomUUID } from 'node:crypto';
import type { CommandHandler } from '../command-side/handling/handler.js';
import { openPeerServer } from '../command-side/peers/peer-server.js';
import {
  connectPeers,
  createSharingHandler,
  type PeerAddress,
} from '../command-side/peers/peers.js';
import { listenError } from '../platform/config/system-errors.js';
import type { Dependencies } from './dependencies.js';

/** The handler, or one that shares commands with the command APIs that PEERS names. */
export const openSharingHandler = async (
  { config, logger, lifecycle, metrics }: Dependencies,
  local: CommandHandler,
): Promise<CommandHandler> => {
  const { addresses, key, port } = config.peers;
  if (addresses.length === 0) return local;
  const id = randomUUID();
  const { host } = config;
  return lifecycle.open(
    'peers',
    async () => {
      const server = await openPeerServer({ host, port, id, key, handler: local, logger }).catch(
        listenError('PEER_PORT', port),
      );
      const peers = connectPeers({
        id,
        key,
        addresses: addresses.map(peerAddress),
        logger,
        metrics,
      });
      return createSharingHandler({ local, peers, server, metrics });
    },
    (opened) => opened.drain(),
  );
};

const peerAddress = (address: string): PeerAddress => {
  const { hostname, port } = new URL(`tcp://${address}`);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) };
};
