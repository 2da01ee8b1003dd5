import { answerOf, groundOf, writtenBy } from './append-answers.js';
import { judge, type Verdict } from './append-rules.js';
import { checkEvents, checkStream, sizeOnDisk } from './append-checks.js';
import type { Drafts } from './drafts.js';
import { EventLogError, type AppendOutcome, type EventLog, type Expected } from './event-log.js';
import type { GroupCommit } from './group-commit.js';
import { viewOf, type ViewParts } from './stream-view.js';
import { ticketOf, type Draft, type Head } from './ticket.js';

export interface AppendLimits {
  /** One append: its data, metadata and twice its type names. */
  readonly maxAppendBytes: number;
  /** All appends that wait for the disk. */
  readonly maxPendingBytes: number;
  readonly maxPendingAppends: number;
}

interface Parts extends ViewParts {
  readonly drafts: Drafts;
  readonly commit: GroupCommit;
  readonly limits: AppendLimits;
  /** Throws where the log takes no appends any more. */
  readonly assertOpen: () => void;
}

interface Request {
  readonly stream: string;
  readonly expected: Expected;
  readonly ids: readonly string[];
  readonly bytes: number;
  /** A verdict that the request's own rules reach before the common ones. */
  readonly refuse?: (head: Head) => Verdict | undefined;
  /** Undefined where there is nothing to write. */
  readonly draft: ((head: Head) => Draft) | undefined;
}

type Appends = Pick<EventLog, 'append' | 'softDelete' | 'tombstone'>;

export const createAppends = (parts: Parts): Appends => {
  const { heads, drafts, commit, limits } = parts;

  const join = (head: Head, draft: Draft): Promise<AppendOutcome> => {
    const ticket = ticketOf(draft, writtenBy(head, draft));
    commit.join(ticket, draft);
    return ticket.promise;
  };

  /**
   * Judges and joins in one go, so that appends join in the order in which they were called. An
   * answer that rests on an append in flight waits for it, and is judged anew should that fail.
   */
  const decide = (request: Request): Promise<AppendOutcome> => {
    parts.assertOpen();
    const head = heads.get(request.stream);
    const verdict =
      request.refuse?.(head) ?? judge(viewOf(parts, head), request.expected, request.ids);
    if (verdict.kind === 'append' && request.draft !== undefined) {
      assertRoom(commit.pending(), request.bytes, limits);
      return join(head, request.draft(head));
    }
    const answer = answerOf(verdict, head);
    const ground = groundOf(heads, head, verdict);
    if (ground === undefined) return Promise.resolve(answer);
    return ground.promise.then(
      () => answer,
      () => decide(request),
    );
  };

  return {
    append: async (stream, expected, events) => {
      checkStream(stream);
      checkEvents(events);
      const bytes = sizeOnDisk(events);
      if (bytes > limits.maxAppendBytes) {
        return { kind: 'too-large', limit: limits.maxAppendBytes };
      }
      const ids = events.map((event) => event.id);
      const draft = events.length === 0 ? undefined : (head: Head) => drafts.append(head, events);
      return decide({ stream, expected, ids, bytes, draft });
    },
    softDelete: async (stream, expected) => {
      checkStream(stream);
      const draft = drafts.softDelete;
      return decide({
        stream,
        expected,
        ids: [FRESH],
        bytes: 0,
        draft,
        refuse: neverExisted,
      });
    },
    tombstone: async (stream, expected) => {
      checkStream(stream);
      return decide({ stream, expected, ids: [FRESH], bytes: 0, draft: drafts.tombstone });
    },
  };
};

/** Stands for an id that no event has. */
const FRESH = '';

/** There must be something to delete softly, even where no stream is expected. */
const neverExisted = (head: Head): Verdict | undefined => {
  const { last, tombstoned, metadata } = head.ahead;
  const missing = !tombstoned && last < 0 && !metadata.exists;
  return missing ? { kind: 'wrong-revision' } : undefined;
};

const assertRoom = (
  pending: { readonly bytes: number; readonly appends: number },
  bytes: number,
  limits: AppendLimits,
): void => {
  if (
    pending.appends >= limits.maxPendingAppends ||
    pending.bytes + bytes > limits.maxPendingBytes
  ) {
    throw new EventLogError('busy', 'Too many appends are waiting for the disk.');
  }
};
