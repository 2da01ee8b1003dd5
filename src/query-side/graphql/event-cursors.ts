import type { Position } from '../../ports/event-store.js';
import { badUserInput } from './errors.js';

/** Opaque to clients. A cursor of a stream is a revision, one of the log a position. */
const encodeText = (text: string): string => Buffer.from(text).toString('base64url');

const decodeText = (cursor: string, pattern: RegExp): readonly [bigint, bigint] => {
  const text = Buffer.from(cursor, 'base64url').toString();
  const [, first, second = '0'] = pattern.exec(text) ?? [];
  if (first === undefined || encodeText(text) !== cursor || !isInt64(first) || !isInt64(second)) {
    throw badUserInput('after', 'after must be a cursor of an earlier page of the same query.');
  }
  return [BigInt(first), BigInt(second)];
};

/** Larger values are neither revisions nor positions. */
const isInt64 = (digits: string): boolean => BigInt(digits) < 2n ** 63n;

const REVISION_CURSOR = /^stream:(\d{1,19})$/;
const POSITION_CURSOR = /^log:(\d{1,19})\/(\d{1,19})$/;
const REVISION = /^(?:0|[1-9]\d{0,18})$/;

export const revisionCursor = (revision: bigint): string => encodeText(`stream:${revision}`);

export const positionCursor = ({ commit, prepare }: Position): string =>
  encodeText(`log:${commit}/${prepare}`);

export const revisionOfCursor = (cursor: string): bigint => decodeText(cursor, REVISION_CURSOR)[0];

export const positionOfCursor = (cursor: string): Position => {
  const [commit, prepare] = decodeText(cursor, POSITION_CURSOR);
  return { commit, prepare };
};

/** The argument `from`: a revision as a decimal string. */
export const revisionArgument = (given: string): bigint => {
  if (REVISION.test(given) && isInt64(given)) return BigInt(given);
  throw badUserInput('from', 'from must be a revision as a decimal string.');
};
