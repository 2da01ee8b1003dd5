import type { EventStore } from '../ports/event-store.js';
import { remedyFor, whyUnreadable } from '../wire/unreadable.js';
import type { AnimeMemory } from './anime-memory.js';
import { RefusedStreamError, type StreamProblem } from './refused-streams.js';

/** Says what is wrong with a stream that cannot be decided on, and what an operator does about it. */
export const refusalOf = async (
  store: EventStore,
  memory: AnimeMemory,
): Promise<RefusedStreamError> =>
  new RefusedStreamError(memory.animeId, unreadable(memory) ?? (await truncated(store, memory)));

const unreadable = ({ stream, unreadable: events }: AnimeMemory): StreamProblem | undefined => {
  const [first] = events;
  if (first === undefined) return undefined;
  const [revision, decoded] = first;
  const { type: eventType } = decoded;
  const more = events.size === 1 ? '' : `, and ${events.size - 1} more after it`;
  return {
    ...{ kind: 'unreadable', stream, revision, eventType },
    detail: `Event ${revision} of ${stream} (${eventType}) cannot be read: ${whyUnreadable(decoded)}${more}.`,
    remedy: remedyFor(decoded, stream, revision),
  };
};

const truncated = async (
  store: EventStore,
  { stream, beginning, revision: last }: AnimeMemory,
): Promise<StreamProblem> => {
  const revision = beginning?.revision ?? (last === 'no_stream' ? 0n : last + 1n);
  const by = await hiddenBy(store, stream);
  return {
    kind: 'truncated',
    stream,
    revision,
    eventType: beginning?.type ?? '',
    detail: `The history of ${stream} was truncated: it begins at revision ${revision}${by}.`,
    remedy:
      `Remove $maxCount, $maxAge and $tb from the metadata of ${stream}. If a scavenge has removed the ` +
      'events already, delete the stream (a soft delete) and list the anime again.',
  };
};

const SETTINGS = ['$maxCount', '$maxAge', '$tb'] as const;

/** Which of the stream's settings may have hidden events. */
const hiddenBy = async (store: EventStore, stream: string): Promise<string> => {
  for await (const { data } of store.read(`$$${stream}`, { direction: 'backwards', limit: 1 })) {
    const metadata = parsed(data);
    const set = SETTINGS.filter((name) => typeof metadata[name] === 'number');
    if (set.length === 0) return '';
    return ` (${set.map((name) => `${name} is ${Number(metadata[name])}`).join(', ')})`;
  }
  return '';
};

const parsed = (data: Uint8Array): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(Buffer.from(data).toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
};
