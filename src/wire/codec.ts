import type { AnimeEvent, AnimeEventType } from '../domain/events.js';
import type { JsonObject } from '../ports/json.js';
import { EVENTS_IGNORED, SCHEMA_VERSIONS, upcast, type Decoded } from './upcast.js';

/** The data as it is stored: the event's own plus its schema version. */
export const encode = (event: AnimeEvent): JsonObject => ({
  schemaVersion: SCHEMA_VERSIONS[event.type],
  ...event.data,
});

const isKnownType = (type: string): type is AnimeEventType | typeof EVENTS_IGNORED =>
  Object.hasOwn(SCHEMA_VERSIONS, type) || type === EVENTS_IGNORED;

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/** Reads stored data, whichever schema version it was written with. Never throws. */
export const decode = (type: string, data: Uint8Array): Decoded => {
  if (!isKnownType(type)) return { kind: 'unknown', type, isNewer: false };
  try {
    return upcast(type, JSON.parse(strictUtf8.decode(data)));
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unreadable';
    return { kind: 'malformed', type, reason };
  }
};
