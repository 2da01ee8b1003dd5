import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import type { ListAnime } from '../domain/commands.js';
import { areDetails, DETAIL_NAMES, type UncheckedDetails } from '../domain/details.js';
import { isAnimeId } from '../domain/ids.js';
import type { ListingOutcome } from '../import/import-report.js';
import type { Config } from '../platform/config/config.js';
import type { Progress } from '../platform/progress.js';
import { PortError, type PortErrorCode } from '../ports/errors.js';

/** The first line from a client. Any further line stops the job, except for the titles of an import. */
export interface JobRequest {
  /** The command line, which the service parses again; only the name for an import. */
  readonly args: readonly string[];
  readonly servers: Readonly<Record<string, string>>;
  /** The version of the frames that follow. */
  readonly protocol?: number;
}

/** The command after whose request the client sends titles. */
export const IMPORT = 'import-catalog';

/** The service refused a request. The message is shown to the operator. */
export class JobRefusedError extends Error {}

/** Frames from the service, one per line; the last one is `done` or `error`. */
export type JobFrame =
  | { readonly print: string }
  | { readonly report: Readonly<Record<string, unknown>> }
  | { readonly progress: Progress }
  | { readonly done: boolean }
  | { readonly error: string; readonly isUsage: boolean };

/** Server settings are compared by digest, because addresses may contain passwords. */
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

/** Increment with every change of the frames of an import. */
export const IMPORT_PROTOCOL = 1;

/** A frame of titles ends with the title that reaches one of these. */
export const MAX_TITLES = 64;
export const MAX_TITLES_LENGTH = 64 * 1024;

/** A title to list. Its outcome comes back under the same number. */
export interface NumberedTitle {
  readonly number: number;
  readonly command: ListAnime;
}

export type TitleOutcome = ListingOutcome | PortError;

/** Serialises a title for a frame. */
export const encodeTitle = (number: number, command: ListAnime): string => {
  const { animeId, at, relist = true, details } = command;
  return JSON.stringify([number, animeId, at, relist, details]);
};

/** One line of titles from a client. */
export const titlesFrame = (encoded: readonly string[]): string => `{"titles":[${encoded.join()}]}`;

/** Parses a frame of titles. Throws a SyntaxError if it is malformed. */
export const readTitles = (line: string): readonly NumberedTitle[] => {
  const { titles } = JSON.parse(line) as { titles?: unknown };
  if (!Array.isArray(titles) || titles.length > MAX_TITLES) throw new SyntaxError('No titles.');
  return titles.map(readTitle);
};

const readTitle = (title: unknown): NumberedTitle => {
  if (!Array.isArray(title)) throw new SyntaxError('Not a title.');
  const [number, animeId, at, relist, details] = title as unknown[];
  if (
    Number.isSafeInteger(number) &&
    isAnimeId(animeId) &&
    isTime(at) &&
    typeof relist === 'boolean' &&
    hasOnlyDetails(details) &&
    areDetails(details)
  ) {
    const command = { type: 'ListAnime', animeId, at, details, relist } as const;
    return { number: number as number, command };
  }
  throw new SyntaxError('Not a title.');
};

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const isTime = (value: unknown): value is string =>
  typeof value === 'string' && ISO_TIME.test(value) && !Number.isNaN(Date.parse(value));

const DETAIL_NAME_SET: ReadonlySet<string> = new Set(DETAIL_NAMES);

const hasOnlyDetails = (value: unknown): value is UncheckedDetails =>
  typeof value === 'object' &&
  value !== null &&
  Object.keys(value).every((name) => DETAIL_NAME_SET.has(name));

type EncodedOutcome =
  | ListingOutcome
  | { readonly code: PortErrorCode; readonly message: string; readonly retriable: boolean };

/** Pairs of a title's number and its outcome. */
export type OutcomesFrame = { readonly outcomes: readonly (readonly [number, EncodedOutcome])[] };

export const encodeOutcome = (outcome: TitleOutcome): EncodedOutcome => {
  if (!(outcome instanceof PortError)) return outcome;
  const { code, message, retriable } = outcome;
  return { code, message, retriable };
};

export const decodeOutcome = (outcome: EncodedOutcome): TitleOutcome =>
  typeof outcome === 'string'
    ? outcome
    : new PortError(outcome.code, outcome.message, outcome.retriable);
