import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Config } from '../platform/config/config.js';
import type { Progress } from '../platform/progress.js';

/** The first line from a client. A second line stops the job, except that an import follows with titles. */
export interface JobRequest {
  /** The arguments of the command line, which the service checks again; of an import only its name. */
  readonly args: readonly string[];
  readonly servers: Readonly<Record<string, string>>;
  /** The version of the frames that follow. */
  readonly protocol?: number;
}

/** The command whose titles a client sends after its request. */
export const IMPORT = 'import-catalog';

/** A request that the service does not take: the message is for a person. */
export class JobRefusedError extends Error {}

/** The service's frames, one to a line; the last one is `done` or `error`. */
export type JobFrame =
  | { readonly print: string }
  | { readonly report: Readonly<Record<string, unknown>> }
  | { readonly progress: Progress }
  | { readonly done: boolean }
  | { readonly error: string; readonly isUsage: boolean };

/** Digests of the server settings, for comparison: addresses may hold passwords. */
export const serverDigests = ({ eventStore, kafka, mongodb }: Config): JobRequest['servers'] => {
  const addresses = {
    EVENTSTORE_URL: eventStore.url,
    KAFKA_BROKERS: kafka.brokers.join(),
    KAFKA_TOPIC: kafka.brokers.length === 0 ? '' : kafka.topic,
    MONGODB_URL: mongodb.url,
    MONGODB_DATABASE: mongodb.url === '' ? '' : mongodb.database,
  };
  const digest = (text: string) => createHash('sha256').update(text).digest('base64');
  return Object.fromEntries(
    Object.entries(addresses).map(([name, address]) => [name, digest(address)]),
  );
};

const JSON_SAFE = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? value.toString() : value;

export const toJson = (value: unknown): string => JSON.stringify(value, JSON_SAFE);

/** The lines of a socket, until it ends. Throws if a line is too long, and leaves the socket open. */
export async function* socketLines(socket: Socket, maxLength: number): AsyncGenerator<string> {
  let rest = '';
  socket.setEncoding('utf8');
  const chunks = socket.iterator({ destroyOnReturn: false }) as AsyncIterable<string>;
  for await (const chunk of chunks) {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    if ([rest, ...lines].some(({ length }) => length > maxLength)) {
      throw new JobRefusedError(`A line is longer than ${maxLength} characters.`);
    }
    yield* lines;
  }
}
