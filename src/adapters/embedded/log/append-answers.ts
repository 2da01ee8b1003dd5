import type { Verdict } from './append-rules.js';
import { TOMBSTONE_REVISION, type AppendOutcome } from './event-log.js';
import type { Heads } from './heads.js';
import { isMetastream, originalOf } from './stream-metadata.js';
import type { Draft, Head, Ticket } from './ticket.js';
import { TOMBSTONE } from './writer-protocol.js';

/** The append in flight that a verdict rests on, if any. */
export const groundOf = (heads: Heads, head: Head, verdict: Verdict): Ticket | undefined => {
  if (verdict.kind === 'repeat' && verdict.of.revision <= head.settled.last) return undefined;
  const own = head.inFlight.at(-1);
  if (own !== undefined || !isMetastream(head.name)) return own;
  return heads.get(originalOf(head.name)).inFlight.at(-1);
};

export const answerOf = (verdict: Verdict, head: Head): AppendOutcome => {
  const { last, lastPosition } = head.ahead;
  switch (verdict.kind) {
    case 'append':
      return { kind: 'written', revision: BigInt(last), position: BigInt(lastPosition) };
    case 'repeat':
      return {
        kind: 'written',
        revision: BigInt(verdict.of.revision),
        position: BigInt(verdict.of.position),
      };
    case 'wrong-revision':
      return { kind: 'wrong-revision', actual: last < 0 ? 'no_stream' : BigInt(last) };
    case 'deleted':
      return { kind: 'deleted' };
  }
};

/** Where the last event that was asked for went; a `$metadata` event that comes along does not count. */
export const writtenBy = (head: Head, { writes }: Draft): AppendOutcome => {
  const last = writes[0]?.records.at(-1);
  return {
    kind: 'written',
    revision: head.ahead.last === TOMBSTONE ? TOMBSTONE_REVISION : BigInt(head.ahead.last),
    position: last?.position ?? 0n,
  };
};
