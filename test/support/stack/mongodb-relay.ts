import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { BSON, type Document } from 'mongodb';

/** A line to a MongoDB that keeps what is sent to it. */
export interface MongodbRelay {
  readonly url: string;
  /** Every command since the last call, as it was on the wire. */
  sent(): readonly Document[];
  stop(): Promise<void>;
}

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;

/**
 * It says of itself that it is the primary of a replica set, since a driver leaves the read
 * preference out of what it sends to a server that stands alone. All else the server answers.
 */
export const mongodbRelay = async (serverUrl: string): Promise<MongodbRelay> => {
  const { hostname: host, port } = new URL(serverUrl);
  const sockets = new Set<Socket>();
  let commands: Document[] = [];

  const hold = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  };

  const server = createServer((near) => {
    const far = connect({ host, port: Number(port) });
    for (const socket of [near, far]) hold(socket);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy()).on('data', (bytes) => near.write(bytes));
    near.on(
      'data',
      inFrames((frame) => {
        const command = commandOf(frame);
        if (isGreeting(command)) return void near.write(answerTo(frame, primary(address())));
        commands.push(command);
        far.write(frame);
      }),
    );
  });
  const address = () => `127.0.0.1:${(server.address() as AddressInfo).port}`;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    url: `mongodb://${address()}/?replicaSet=rs0`,
    sent: () => {
      const sent = commands;
      commands = [];
      return sent;
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

const inFrames = (onFrame: (frame: Buffer) => void) => {
  let pending = Buffer.alloc(0);
  return (bytes: Buffer): void => {
    pending = Buffer.concat([pending, bytes]);
    while (pending.length >= 4 && pending.length >= pending.readInt32LE(0)) {
      const length = pending.readInt32LE(0);
      onFrame(pending.subarray(0, length));
      pending = pending.subarray(length);
    }
  };
};

const opCode = (frame: Buffer): number => frame.readInt32LE(12);

/** The one document of an OP_QUERY, or the first section of an OP_MSG. */
const commandOf = (frame: Buffer): Document => {
  const start = opCode(frame) === OP_QUERY ? frame.indexOf(0, 20) + 1 + 8 : 21;
  return BSON.deserialize(frame.subarray(start), { allowObjectSmallerThanBufferSize: true });
};

const isGreeting = (command: Document): boolean =>
  ['hello', 'isMaster', 'ismaster'].some((name) => name in command);

const primary = (address: string): Document => ({
  helloOk: true,
  isWritablePrimary: true,
  ismaster: true,
  setName: 'rs0',
  setVersion: 1,
  hosts: [address],
  me: address,
  primary: address,
  maxBsonObjectSize: 16_777_216,
  maxMessageSizeBytes: 48_000_000,
  maxWriteBatchSize: 100_000,
  minWireVersion: 0,
  maxWireVersion: 21,
  ok: 1,
});

/** An answer is of the kind that the question was. */
const answerTo = (question: Buffer, answer: Document): Buffer => {
  const old = opCode(question) === OP_QUERY;
  const before = Buffer.alloc(old ? 36 : 21);
  const document = BSON.serialize(answer);
  before.writeInt32LE(before.length + document.length, 0);
  before.writeInt32LE(question.readInt32LE(4), 8);
  before.writeInt32LE(old ? OP_REPLY : OP_MSG, 12);
  if (old) before.writeInt32LE(1, 32);
  return Buffer.concat([before, document]);
};
