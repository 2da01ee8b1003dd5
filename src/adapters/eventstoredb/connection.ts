import { readFileSync } from 'node:fs';
import {
  type ChannelCredentialOptions,
  EventStoreDBClient,
  type SingleNodeOptions,
} from '@eventstore/db-client';
import {
  type ConnectionOptions,
  parseConnectionString,
} from '@eventstore/db-client/dist/Client/parseConnectionString.js';
import { StreamsClient, StreamsService } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import type { AppendReq, AppendResp, ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import type { Channel, ClientDuplexStream, ClientReadableStream } from '@grpc/grpc-js';
import { reasonOf, secondsBetween } from '../../platform/async/outage.js';
import { isEventStoreAddress, unusableNumberIn } from '../../platform/config/server-settings.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Endpoint } from '../../platform/probe.js';
import { OutcomeUnknownError, UnavailableError } from '../../ports/errors.js';
import { batchResponse, type BatchResponse } from './batch-messages.js';
import { readResponse, type ReadResponse } from './read-responses.js';

export interface Address {
  readonly options: ConnectionOptions;
  /** Hosts without credentials or settings, safe to log. */
  readonly shown: string;
}

const KNOWN_SETTINGS = new Set([
  'connectionname',
  'defaultdeadline',
  'discoveryinterval',
  'gossiptimeout',
  'keepaliveinterval',
  'keepalivetimeout',
  'maxdiscoverattempts',
  'nodepreference',
  'throwonappendfailure',
  'tls',
  'tlscafile',
  'tlsverifycert',
  'usercertfile',
  'userkeyfile',
]);

/**
 * Parses `esdb://` and `esdb+discover://`, also under KurrentDB's names. The client's own parser
 * prints the whole string, including the password, for an unknown setting: so such settings are
 * refused here first, by name.
 */
export const parseAddress = (connectionString: string): Address => {
  const address = connectionString.trim();
  if (!isEventStoreAddress(address)) throw unreadableAddress();
  const asEsdb = address.replace(/^kurrent(db)?(?=(\+discover)?:\/\/)/, 'esdb');
  const [place = '', ...query] = asEsdb.split('?');
  const settings = query.flatMap((part) => part.split('&')).filter((part) => part !== '');
  const unknown = settings.find((setting) => !KNOWN_SETTINGS.has(settingName(setting)));
  if (unknown !== undefined) {
    const [name] = unknown.split('=');
    throw new Error(`The event store's connection string has an unknown setting: ${name}.`);
  }
  const cut = unusableNumberIn(address);
  if (cut !== undefined) {
    throw new Error(`The event store's connection string needs a whole number for ${cut}.`);
  }
  const kept = settings.filter((setting) => settingName(setting) !== 'tlsverifycert');
  const options = parseOrRefuse(kept.length === 0 ? place : `${place}?${kept.join('&')}`);
  refuseUnsafeSettings(options, settings);
  const scheme = options.dnsDiscover ? 'esdb+discover' : 'esdb';
  const hosts = options.hosts.map(({ address, port }) => `${address}:${port}`);
  return { options, shown: `${scheme}://${hosts.join(',')}` };
};

/** The hosts in the string, including those used for cluster discovery. */
export const eventStoreEndpoints = (connectionString: string): readonly Endpoint[] => {
  const { hosts, tls, tlsCAFile } = parseAddress(connectionString).options;
  const ca = tlsCAFile === undefined ? {} : { ca: readFileSync(tlsCAFile) };
  return hosts.map(({ address: host, port }) => ({
    host,
    port,
    hello: HTTP2_PREFACE,
    ...(tls === false ? {} : { tls: ca }),
  }));
};

/** With an empty SETTINGS frame, to which a server responds with its own. */
const HTTP2_PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);

const settingName = (setting: string): string =>
  setting.replace(/=.*$/s, '').trim().toLowerCase().replace(/[_-]/g, '');

const refuseUnsafeSettings = (options: ConnectionOptions, settings: readonly string[]): void => {
  const unverified = settings.some(
    (one) => settingName(one) === 'tlsverifycert' && /=\s*false\s*$/.test(one),
  );
  if (unverified && options.tls !== false) {
    throw new Error(
      'tlsVerifyCert=false is not supported: name the certificate authority with tlsCAFile.',
    );
  }
  if (options.keepAliveInterval === -1 || options.keepAliveTimeout === -1) {
    throw new Error('Keep-alive must stay on: without it a dead connection is never detected.');
  }
};

const parseOrRefuse = (connectionString: string): ConnectionOptions => {
  try {
    return parseConnectionString(connectionString);
  } catch {
    // The error of the parser contains the string.
    throw unreadableAddress();
  }
};

const unreadableAddress = (): Error =>
  new Error(
    "The event store's connection string cannot be read. It looks like esdb://user:password@host:2113?tls=true, with special characters of the password percent-encoded.",
  );

export type ReadCall = ClientReadableStream<ReadResponse>;
export type BatchAppendStream = ClientDuplexStream<Buffer, BatchResponse>;

/**
 * The official client handles connection strings, discovery, TLS, credentials, channels and
 * reconnecting to another leader. Reads and appends use its channel and stubs, one level below its
 * methods, because those
 * - parse and discard the stored bytes, and deliver checkpoints beside the events instead of among
 * them;
 * - keep pending appends in one table per process: an error of one stream rejects the appends of
 * all, and a later response throws an error that cannot be caught.
 */
export class EventStoreConnection extends EventStoreDBClient {
  private channel: Promise<Channel> | undefined;
  private readonly appends = new Set<{ cancel(): void }>();

  constructor(options: ConnectionOptions) {
    super(clientSettings(options), certificates(options), options.defaultCredentials);
    const openChannel = this.getChannel;
    this.getChannel = () => (this.channel = openChannel());
    // Its promise is not awaited, and it fails on an error that lacks the fields it expects.
    const { handleError } = this;
    this.handleError = (client, error) => handleError(client, error).catch(() => undefined);
  }

  /** Reads and subscribes. The call has no deadline: the consumer must watch it. */
  read(request: ReadReq, from: { readonly leaderOnly: boolean }): Promise<ReadCall> {
    const options = this.callArguments({ requiresLeader: from.leaderOnly }, { deadline: Infinity });
    return this.GRPCStreamCreator(StreamsClient, 'read', (client) =>
      client.makeServerStreamRequest(
        READ.path,
        READ.requestSerialize,
        readResponse,
        request,
        ...options,
      ),
    )();
  }

  /** One call for any number of appends. */
  openBatch(): Promise<BatchAppendStream> {
    const options = this.callArguments({}, { deadline: Infinity });
    return this.GRPCStreamCreator(StreamsClient, 'batchAppend', (client) =>
      client.makeBidiStreamRequest(
        BATCH_APPEND,
        (request: Buffer) => request,
        batchResponse,
        ...options,
      ),
    )();
  }

  /** One append as a call of its own, for servers without batches. */
  append(messages: readonly AppendReq[], deadlineMs: number): Promise<AppendResp> {
    const options = this.callArguments({ deadline: deadlineMs });
    return this.execute(
      StreamsClient,
      'append',
      (client) =>
        new Promise<AppendResp>((resolve, reject) => {
          const call = client.append(...options, (error, response) => {
            this.appends.delete(call);
            if (error === null) resolve(response);
            else reject(error);
          });
          call.on('error', reject);
          this.appends.add(call);
          for (const message of messages) call.write(message);
          call.end();
        }),
    );
  }

  /** As the server reports it: `unknown` from one that does not. */
  async serverVersion(): Promise<string> {
    return (await this.capabilities).serverVersion;
  }

  /** Cancels every call and closes the connection. */
  async close(): Promise<void> {
    for (const append of this.appends) append.cancel();
    await this.dispose();
    const channel = await this.channel?.catch(() => undefined);
    channel?.close();
  }
}

const { read: READ } = StreamsService;
const BATCH_APPEND = StreamsService.batchAppend.path;

/** Detects a dead connection within 15 s. */
const KEEP_ALIVE = { keepAliveInterval: 10_000, keepAliveTimeout: 5_000 };

/** The client's constructor is overloaded by kind of address; all kinds share this shape. */
const clientSettings = (options: ConnectionOptions): SingleNodeOptions => {
  const { dnsDiscover, hosts, ...rest } = options;
  const [first] = hosts;
  if (first === undefined) throw new Error("The event store's connection string names no host.");
  const common = { ...KEEP_ALIVE, ...rest, throwOnAppendFailure: true };
  if (dnsDiscover) return { ...common, discover: first } as unknown as SingleNodeOptions;
  if (hosts.length > 1) return { ...common, endpoints: hosts } as unknown as SingleNodeOptions;
  return { ...common, endpoint: first };
};

const certificates = (options: ConnectionOptions): ChannelCredentialOptions => {
  if (options.tls === false) return { insecure: true };
  const { tlsCAFile, userCertFile, userKeyFile } = options;
  return {
    ...(tlsCAFile === undefined ? {} : { rootCertificate: readFileSync(tlsCAFile) }),
    ...(userCertFile === undefined ? {} : { userCertFile: readFileSync(userCertFile) }),
    ...(userKeyFile === undefined ? {} : { userKeyFile: readFileSync(userKeyFile) }),
  };
};

type AskedFor = 'append' | 'read' | 'subscription';

interface ServerOutage {
  readonly since: number;
  appendsFailed: number;
  /** A follower still serves subscriptions while there is no leader for other calls. */
  ofLeader: boolean;
}

export interface Outages {
  failed(asked: AskedFor, error: unknown): void;
  answered(asked: AskedFor): void;
}

/**
 * Every caller hits an outage again and again: it is logged once at its start and once at its end.
 */
export const createOutages = (logger: Logger, monotonic = () => performance.now()): Outages => {
  let outage: ServerOutage | null = null;
  return {
    failed(asked: AskedFor, error: unknown): void {
      if (!(error instanceof UnavailableError || error instanceof OutcomeUnknownError)) return;
      if (outage === null) {
        outage = { since: monotonic(), appendsFailed: 0, ofLeader: false };
        logger.warn('The event store is not responding', { asked, why: reasonOf(error) });
      }
      if (asked === 'append') outage.appendsFailed += 1;
      outage.ofLeader ||= asked !== 'subscription';
    },
    answered(asked: AskedFor): void {
      if (outage === null || (outage.ofLeader && asked === 'subscription')) return;
      const { since, appendsFailed } = outage;
      outage = null;
      const afterSeconds = secondsBetween(since, monotonic());
      logger.info('The event store is responding again', { afterSeconds, appendsFailed });
    },
  };
};
