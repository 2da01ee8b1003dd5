import type { Environment } from './environment.js';
import { NoAnswerError, ProblemError } from './errors.js';
import type { CallOptions, Request, ServiceAnswer, ServiceExchange } from './exchange.js';
import type {
  SchemaClick,
  SchemaDetails,
  SchemaRating,
  SchemaRecorded,
  SchemaView,
} from './generated/commands.js';

export interface SendOptions extends CallOptions {
  /** Generated where it is absent. To repeat a command of earlier, pass the key of its error. */
  readonly idempotencyKey?: string;
  /** Only at this revision of the anime: otherwise 412, which is never sent again. */
  readonly ifMatch?: string;
  /** Only if the anime is not listed: otherwise 412. */
  readonly ifNoneMatch?: '*';
}

/** What the service said of a command that it recorded, or that had nothing to change. */
export type Acknowledged = Omit<SchemaRecorded, 'status' | 'message'> & {
  /** Whether an earlier request had recorded it already. */
  readonly replayed: boolean;
};

/** Single commands, each answered on its own. */
export interface Commands {
  click(body: SchemaClick, options?: SendOptions): Promise<Acknowledged>;
  view(body: SchemaView, options?: SendOptions): Promise<Acknowledged>;
  rate(body: SchemaRating, options?: SendOptions): Promise<Acknowledged>;
  /** Lists an anime, or replaces its details. */
  putAnime(id: number, details: SchemaDetails, options?: SendOptions): Promise<Acknowledged>;
  delistAnime(id: number, options?: SendOptions): Promise<Acknowledged>;
}

const JSON_BODY = { 'Content-Type': 'application/json' };

export const createCommands = (
  base: string,
  exchange: ServiceExchange,
  revisions: Revisions,
  { newKey }: Environment,
): Commands => {
  const send = async (
    method: Request['method'],
    path: string,
    body: object | undefined,
    options: SendOptions = {},
  ): Promise<Acknowledged> => {
    const { idempotencyKey = newKey(), ifMatch, ifNoneMatch } = options;
    const request = {
      method,
      url: `${base}${path}`,
      headers: {
        'Idempotency-Key': quoted(idempotencyKey),
        ...(body === undefined ? {} : JSON_BODY),
        ...(ifMatch === undefined ? {} : { 'If-Match': `"${ifMatch}"` }),
        ...(ifNoneMatch === undefined ? {} : { 'If-None-Match': ifNoneMatch }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    };
    try {
      const acknowledged = await exchange.repeated(request, options, acknowledgedBy);
      revisions.reached(acknowledged.animeId, acknowledged.revision);
      return acknowledged;
    } catch (error) {
      if (error instanceof ProblemError || error instanceof NoAnswerError) {
        error.idempotencyKey = idempotencyKey;
      }
      throw error;
    }
  };

  return {
    click: (body, options) => send('POST', 'click', body, options),
    view: (body, options) => send('POST', 'view', body, options),
    rate: (body, options) => send('POST', 'rating', body, options),
    putAnime: (id, details, options) => send('PUT', `animes/${id}`, details, options),
    delistAnime: (id, options) => send('DELETE', `animes/${id}`, undefined, options),
  };
};

/** As a string of RFC 9651, which may have spaces and quotes in it. */
const quoted = (key: string): string => `"${key.replace(/["\\]/g, '\\$&')}"`;

const acknowledgedBy = ({ body, headers }: ServiceAnswer): Acknowledged => {
  const { message, animeId, revision, ...more } = body as Partial<SchemaRecorded>;
  if (message === undefined || animeId === undefined || revision === undefined) {
    throw new NoAnswerError('The answer is not that of the service.');
  }
  const { eventId, position, rating } = more;
  return {
    animeId,
    revision,
    ...(eventId === undefined ? {} : { eventId }),
    ...(position === undefined ? {} : { position }),
    ...(rating === undefined ? {} : { rating }),
    replayed: headers.get('Idempotency-Replayed') === 'true',
  };
};

/** The last acknowledged revision of each anime. */
export interface Revisions {
  reached(animeId: number, revision: string): void;
  of(animeId: number): string | undefined;
}

/** Anime whose revision is known at most; of the one not written to for longest it is forgotten. */
const MOST_ANIME = 1000;

export const createRevisions = (): Revisions => {
  const known = new Map<number, string>();
  return {
    reached: (animeId, revision) => {
      const before = known.get(animeId);
      known.delete(animeId);
      // Answers may overtake each other.
      known.set(animeId, before !== undefined && isAfter(before, revision) ? before : revision);
      const [oldest] = known.keys();
      if (known.size > MOST_ANIME && oldest !== undefined) known.delete(oldest);
    },
    of: (animeId) => known.get(animeId),
  };
};

/** Compares decimals of up to 64 bits, which are no numbers of JavaScript. */
const isAfter = (one: string, other: string): boolean =>
  one.length === other.length ? one > other : one.length > other.length;
