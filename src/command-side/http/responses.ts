import type { Request, Response } from 'express';
import type { AnimeCommand } from '../../domain/commands.js';
import type { RejectionCode } from '../../domain/decide.js';
import { Problem, problemDocument } from '../../platform/http/problem.js';
import type { PortError } from '../../ports/errors.js';
import {
  resultOfFailure,
  type CommandResult,
  type Precondition,
  type Recorded,
} from '../../ports/command-result.js';
import { etagOf, etagOrNone } from './headers.js';

/** A new rejection does not compile until it has a status. */
const REJECTION_STATUS: Readonly<Record<RejectionCode, number>> = {
  ANIME_NOT_LISTED: 404,
  ANIME_DELISTED: 410,
  INVALID_RATING: 422,
  INVALID_DURATION: 422,
  INVALID_TIME: 422,
};

const PRECONDITIONS: Readonly<Record<Precondition, string>> = {
  'If-Match': 'The revision of the anime does not satisfy If-Match.',
  'If-None-Match': 'The anime is in the catalogue at a revision that If-None-Match excludes.',
};

/** The response to a successful command of one type. */
export interface Success {
  readonly message: string;
  /** 201 if the event created something. */
  readonly status: (recorded: Recorded) => 200 | 201;
}

/** Responds to a command. A failure is thrown as a problem. */
export const sendResult = (
  res: Response,
  command: AnimeCommand,
  result: CommandResult,
  { message, status }: Success,
): void => {
  switch (result.kind) {
    case 'replayed':
      res.setHeader('Idempotency-Replayed', 'true');
      sendRecorded(res, command, result, status(result), message);
      return;
    case 'accepted':
      sendRecorded(res, command, result, status(result), message);
      return;
    case 'unchanged':
      res.setHeader('ETag', etagOf(result.revision));
      sendJson(res, 200, {
        status: 'ok',
        message: 'Nothing had to change.',
        animeId: command.animeId,
        revision: result.revision.toString(),
      });
      return;
    default:
      throw problemOfResult(result);
  }
};

/**
 * The result of a command as an entry of a batch: the status, and what the response to a single
 * command says in its body and in `Idempotency-Replayed`.
 */
export const batchResult = (
  command: AnimeCommand,
  result: CommandResult,
  { status }: Success,
): object => {
  switch (result.kind) {
    case 'replayed':
      return { status: status(result), ...recordedBody(command, result), replayed: true };
    case 'accepted':
      return { status: status(result), ...recordedBody(command, result) };
    case 'unchanged':
      return { status: 200, animeId: command.animeId, revision: result.revision.toString() };
    default:
      return problemDocument(problemOfResult(result));
  }
};

const recordedBody = (command: AnimeCommand, { eventId, revision, position }: Recorded) => ({
  eventId,
  animeId: command.animeId,
  // 64 bits do not fit into a JSON number.
  revision: revision.toString(),
  position: position.toString(),
  ...(command.type === 'GiveRating' ? { rating: command.rating } : {}),
});

const sendRecorded = (
  res: Response,
  command: AnimeCommand,
  recorded: Recorded,
  status: 200 | 201,
  message: string,
): void => {
  const { animeId } = command;
  const { revision } = recorded;
  res.setHeader('ETag', etagOf(revision));
  res.setHeader(
    'Location',
    relativeTo(res.req, `animes/${animeId}/events?from=${revision}&limit=1`),
  );
  sendJson(res, status, { status: 'ok', message, ...recordedBody(command, recorded) });
};

/** Relative to the request's path, so that it works behind a proxy that strips a prefix. */
const relativeTo = ({ path }: Request, target: string): string =>
  `${'../'.repeat(path.split('/').length - 2)}${target}`;

const sendJson = (res: Response, status: number, body: object): void =>
  sendJsonText(res, status, JSON.stringify(body));

/** Sends what is JSON already. */
export const sendJsonText = (res: Response, status: number, text: string): void => {
  res.statusCode = status;
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.setHeader('Content-Length', Buffer.byteLength(text));
  res.end(text);
};

type FailedResult = Exclude<
  CommandResult,
  { readonly kind: 'accepted' | 'replayed' | 'unchanged' }
>;

/**
 * The one table from failures to HTTP problems. A new kind of result does not compile until it is
 * here; a new code of `PortError` not until `resultOfFailure` names its kind.
 */
const problemOfResult = (result: FailedResult): Problem => {
  switch (result.kind) {
    case 'rejected': {
      const { code, reason } = result.rejection;
      return new Problem(REJECTION_STATUS[code], reason, { kind: kindOf(code) });
    }
    case 'precondition-failed': {
      const etag = etagOrNone(result.revision);
      return new Problem(412, PRECONDITIONS[result.header], {
        kind: 'precondition-failed',
        headers: etag === undefined ? {} : { ETag: etag },
      });
    }
    case 'key-reused':
      return new Problem(422, 'This Idempotency-Key was used before with another body.', {
        kind: 'idempotency-key-reused',
      });
    case 'conflict':
      return new Problem(
        409,
        'Concurrent writes to this anime kept conflicting; nothing was recorded. Try again.',
        {
          kind: 'conflict',
        },
      );
    case 'overloaded':
      return retryLater(1, 'Too many commands are waiting; nothing was recorded.', 'overloaded');
    case 'unavailable':
      return retryLater(
        2,
        'The event store does not respond; nothing was recorded.',
        'unavailable',
      );
    case 'user-key-unavailable':
      return retryLater(
        2,
        'The store of user keys is not available; nothing was recorded.',
        result.kind,
      );
    case 'access-denied':
    case 'refused-by-store':
      return problemOfStore(result.kind);
    case 'outcome-unknown':
      return retryLater(
        1,
        'It is not known whether this was recorded. Repeat it with the same Idempotency-Key.',
        'outcome-unknown',
      );
    case 'unreadable':
    case 'truncated': {
      const { kind, stream, revision, eventType, detail } = result.problem;
      return new Problem(503, `${detail} An operator must act; nothing was recorded.`, {
        kind: `stream-${kind}`,
        headers: { 'Retry-After': '60' },
        members: { stream, revision: revision.toString(), eventType },
      });
    }
    case 'gone':
      return new Problem(410, 'The history of this anime was permanently deleted.', {
        kind: 'stream-deleted',
      });
    case 'too-large':
      return new Problem(413, 'The event is too large for the event store.', {});
  }
};

/** The same table for a failed read: a port's error first becomes a result. */
export const problemOfRead = (error: PortError): Problem => {
  const result = resultOfFailure(error);
  return result.kind === 'unavailable'
    ? retryLater(2, 'The event store does not respond.', 'unavailable')
    : problemOfResult(result);
};

/** Failures that a retry does not fix: wrong credentials, or a fault of the event store. */
const problemOfStore = (kind: 'access-denied' | 'refused-by-store'): Problem =>
  kind === 'access-denied'
    ? retryLater(
        60,
        'The event store denies this service access. An operator must act; nothing was recorded.',
        'event-store-access-denied',
      )
    : new Problem(
        500,
        'The event store refuses this request. An operator must act; nothing was recorded.',
        { kind: 'event-store-refused' },
      );

const retryLater = (seconds: number, detail: string, kind: string): Problem =>
  new Problem(503, detail, { kind, headers: { 'Retry-After': String(seconds) } });

const kindOf = (code: RejectionCode): string => code.toLowerCase().replaceAll('_', '-');
