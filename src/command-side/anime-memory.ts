import { createHash } from 'node:crypto';
import { evolve, initialState, type Anime } from '../domain/anime.js';
import type { AnimeId } from '../domain/ids.js';
import { streamOf } from '../domain/stream-name.js';
import type { ExpectedRevision, RecordedEvent } from '../ports/event-store.js';
import { decode } from '../wire/codec.js';
import { SCHEMA_VERSIONS } from '../wire/upcast.js';
import { createRecentCommands, type RecentCommands } from './recent-commands.js';

/**
 * What is known of one anime up to a revision: enough to decide the next command. Only confirmed
 * events get in. Only the anime's queue changes it, one turn at a time.
 */
export interface AnimeMemory {
  readonly animeId: AnimeId;
  readonly stream: string;
  readonly recent: RecentCommands;
  state: Anime;
  revision: ExpectedRevision;
  /** Of the event at `revision`: by it we notice that the stream is another one than we knew. */
  lastEventId: string | null;
  /** Up to which revision the last snapshot goes; -1 without one. */
  snapshotAt: bigint;
  /** The size that the cache counts for it; 0 where it is not in the cache. */
  cachedSize: number;
}

export const blankMemory = (animeId: AnimeId, rememberedKeys: number): AnimeMemory => ({
  animeId,
  stream: streamOf(animeId),
  recent: createRecentCommands(rememberedKeys),
  state: initialState,
  revision: 'no_stream',
  lastEventId: null,
  snapshotAt: -1n,
  cachedSize: 0,
});

/** A stored event that this version does not understand: deciding without it could be wrong. */
export class UnreadableStreamError extends Error {
  constructor(
    readonly stream: string,
    readonly revision: bigint,
    readonly type: string,
    reason: string,
  ) {
    super(`Event ${revision} of ${stream} (${type}) cannot be read: ${reason}.`);
    this.name = 'UnreadableStreamError';
  }
}

/** Takes in the next stored event, whole or, when it cannot be read, not at all. */
export const remember = (memory: AnimeMemory, recorded: RecordedEvent): void => {
  const { stream, revision, id, type } = recorded;
  const decoded = decode(type, recorded.data);
  if (decoded.kind !== 'event') {
    const reason = decoded.kind === 'unknown' ? 'its type is not known' : decoded.reason;
    throw new UnreadableStreamError(stream, revision, type, reason);
  }
  memory.state = evolve(memory.state, decoded.event);
  memory.revision = revision;
  memory.lastEventId = id;
  const keyed = keyedIn(recorded.metadata);
  if (keyed === undefined) return;
  const position = recorded.position.commit;
  memory.recent.add({ ...keyed, eventId: id, type: decoded.event.type, revision, position });
};

/** Only commands with a key leave a body's hash; the others must not pay for parsing. */
const keyedIn = (metadata: Uint8Array): { commandId: string; bodyHash: string } | undefined => {
  const text = Buffer.from(metadata.buffer, metadata.byteOffset, metadata.byteLength);
  if (!text.includes('"bodyHash"')) return undefined;
  try {
    const parsed = JSON.parse(text.toString('utf8')) as Readonly<Record<string, unknown>>;
    const { commandId, bodyHash } = parsed;
    if (typeof commandId !== 'string' || typeof bodyHash !== 'string') return undefined;
    return { commandId, bodyHash };
  } catch {
    return undefined;
  }
};

const FORMAT = 1;

/** Changes when the fold does, so that a snapshot made by other rules is never found. */
export const FOLD_HASH = createHash('sha256')
  .update(JSON.stringify([FORMAT, evolve.toString(), initialState, SCHEMA_VERSIONS]))
  .digest('hex')
  .slice(0, 12);
