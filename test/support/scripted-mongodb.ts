import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { BSON } from 'mongodb';

type Answer = Readonly<Record<string, unknown>>;

const HELLO: Answer = {
  ok: 1,
  isWritablePrimary: true,
  minWireVersion: 0,
  maxWireVersion: 21,
  readOnly: false,
  maxBsonObjectSize: 16_777_216,
  maxMessageSizeBytes: 48_000_000,
  maxWriteBatchSize: 100_000,
};
const OP_REPLY = 1;
const OP_MSG = 2013;
const OP_QUERY = 2004;

/**
 * Speaks so much of MongoDB's protocol that its driver takes it for a server; answers as it is told, and
 * nothing at all for null.
 */
export const scriptedMongodb = async (answer: (command: string) => Answer | null) => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    let received = Buffer.alloc(0);
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes]);
      while (received.length >= 16 && received.length >= received.readInt32LE(0)) {
        const length = received.readInt32LE(0);
        const reply = replyTo(received.subarray(0, length), answer);
        if (reply !== null) socket.write(reply);
        received = received.subarray(length);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
};

const replyTo = (message: Buffer, answer: (command: string) => Answer | null): Buffer | null => {
  const isOld = message.readInt32LE(12) === OP_QUERY;
  const start = isOld ? message.indexOf(0, 20) + 9 : 21;
  const [command = ''] = Object.keys(BSON.deserialize(message.subarray(start)));
  const isHello = /^(hello|ismaster|isMaster)$/.test(command);
  const given = answer(command);
  if (given === null) return null;
  const body = Buffer.from(BSON.serialize(isHello ? HELLO : given));
  const opening = Buffer.alloc(isOld ? 36 : 21);
  opening.writeInt32LE(opening.length + body.length, 0);
  opening.writeInt32LE(message.readInt32LE(4), 8);
  opening.writeInt32LE(isOld ? OP_REPLY : OP_MSG, 12);
  if (isOld) opening.writeInt32LE(1, 32);
  return Buffer.concat([opening, body]);
};
