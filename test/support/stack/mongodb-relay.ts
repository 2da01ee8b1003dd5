import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { BSON, type Document, ObjectId } from 'mongodb';

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
  let commands: Document[] = [];
  const relay = await relayTo(serverUrl, (command) => {
    if (isGreeting(command)) return greeting(relay.address, [relay.address], relay.address);
    commands.push(command);
    return null;
  });
  return {
    url: `mongodb://${relay.address}/?replicaSet=rs0`,
    sent: () => {
      const sent = commands;
      commands = [];
      return sent;
    },
    stop: () => relay.stop(),
  };
};

/** Members that behave as those of a replica set towards a driver, in front of one server. */
export interface ReplicaSet {
  readonly url: string;
  /** Makes a member the primary, or none. */
  elect(member: number | null): void;
  /** Closes the connections of a member, and refuses new ones. */
  kill(member: number): Promise<void>;
  start(member: number): Promise<void>;
  /** How many commands were refused by a member that is not the primary. */
  refused(): number;
  stop(): Promise<void>;
}

/** So many commands that a member has when it steps down end with it. */
const INTERRUPTED = 3;

/** The data are never rolled back, as those that a majority has. */
export const mongodbReplicaSet = async (serverUrl: string, size: number): Promise<ReplicaSet> => {
  const members: Relay[] = [];
  const hosts = (): readonly string[] => members.map(({ address }) => address);
  let primary: number | null = 0;
  let term = 1;
  let interrupted = INTERRUPTED;
  let refused = 0;

  const answerOf = (member: number) => (command: Document) => {
    const [address = '', leader] = [
      hosts()[member],
      primary === null ? undefined : hosts()[primary],
    ];
    if (isGreeting(command)) return greeting(address, hosts(), leader, term);
    if (member === primary || isServedBySecondary(command)) return null;
    refused += 1;
    interrupted += 1;
    if (interrupted <= INTERRUPTED) return refusal(189, 'PrimarySteppedDown');
    return isRead(command)
      ? refusal(13435, 'NotPrimaryNoSecondaryOk')
      : refusal(10107, 'NotWritablePrimary');
  };

  for (let member = 0; member < size; member += 1) {
    members.push(await relayTo(serverUrl, answerOf(member)));
  }
  return {
    url: `mongodb://${hosts().join(',')}/?replicaSet=rs0`,
    elect: (member) => {
      if (member === null) interrupted = 0;
      else term += 1;
      primary = member;
    },
    kill: async (member) => members[member]?.stop(),
    start: async (member) => members[member]?.start(),
    refused: () => refused,
    stop: async () => {
      for (const member of members) await member.stop();
    },
  };
};

const isRead = (command: Document): boolean =>
  ['find', 'aggregate', 'distinct', 'getMore', 'listCollections'].some((name) => name in command);

const isServedBySecondary = (command: Document): boolean => {
  const preference = (command['$readPreference'] as { mode?: string } | undefined)?.mode;
  const isForAny = ['ping', 'endSessions', 'killCursors'].some((name) => name in command);
  return isForAny || (isRead(command) && (preference ?? 'primary') !== 'primary');
};

const refusal = (code: number, codeName: string): Document => ({
  ok: 0,
  code,
  codeName,
  errmsg: 'not primary',
});

interface Relay {
  readonly address: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** A line to a server. What `answer` returns is the reply; null leaves it to the server. */
const relayTo = async (
  serverUrl: string,
  answer: (command: Document) => Document | null,
): Promise<Relay> => {
  const { hostname: host, port } = new URL(serverUrl);
  const sockets = new Set<Socket>();

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
        const reply = answer(commandOf(frame));
        if (reply === null) far.write(frame);
        else near.write(answerTo(frame, reply));
      }),
    );
  });
  let own = 0;
  const start = async (): Promise<void> => {
    server.listen(own, '127.0.0.1');
    await once(server, 'listening');
    own = (server.address() as AddressInfo).port;
  };
  await start();

  return {
    address: `127.0.0.1:${own}`,
    start,
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

/** What a member says of itself and of its set. */
const greeting = (
  me: string,
  hosts: readonly string[],
  primary: string | undefined,
  term = 1,
): Document => ({
  helloOk: true,
  isWritablePrimary: me === primary,
  ismaster: me === primary,
  secondary: me !== primary,
  setName: 'rs0',
  setVersion: 1,
  hosts,
  me,
  ...(primary === undefined ? {} : { primary }),
  ...(me === primary ? { electionId: ObjectId.createFromTime(term) } : {}),
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
