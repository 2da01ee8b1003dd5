import { storedDetails } from '../domain/details.js';
import { isJsonObject, type UnknownFields } from '../ports/json.js';
import type { AnimeEvent, AnimeEventType } from '../domain/events.js';
import { type AnimeId, isAnimeId, isUserId, type UserId } from '../domain/ids.js';
import { isDurationSeconds, isRating, keptRating } from '../domain/rules.js';
import type { JsonObject } from '../ports/json.js';
import { PROTECTED_VERSION, standInIn } from './protected-user.js';

export type Decoded =
  | { readonly kind: 'event'; readonly event: AnimeEvent }
  /** No fact about the anime: an operator decided to go on without events that cannot be read. */
  | { readonly kind: 'ignored'; readonly ignored: EventsIgnored }
  /** A type or schema version that this version of the service does not know. */
  | { readonly kind: 'unknown'; readonly type: string; readonly isNewer: boolean }
  /** A known type whose data can never be read. */
  | { readonly kind: 'malformed'; readonly type: string; readonly reason: string };

/** Turns the data of one version into those of the next. */
export type Upcaster = (data: UnknownFields) => UnknownFields;

/** Which events of its own stream are ignored where they cannot be read, first and last revision. */
export interface EventsIgnored {
  readonly animeId: AnimeId;
  readonly occurredAt: string;
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

export const EVENTS_IGNORED = 'EventsIgnored';
const EVENTS_IGNORED_VERSION = 1;

export const encodeIgnored = (ignored: EventsIgnored): JsonObject => ({
  schemaVersion: EVENTS_IGNORED_VERSION,
  ...ignored,
});

/**
 * Turns parsed data of any schema version into today's event, or says why it cannot be one.
 *
 * Version 1 of the interactions is that of the system our users come from: snake_case, any ISO
 * offset, and no schemaVersion field.
 */
export const upcast = (type: AnimeEventType | typeof EVENTS_IGNORED, parsed: unknown): Decoded => {
  if (!isJsonObject(parsed)) {
    return { kind: 'malformed', type, reason: 'data is not a JSON object' };
  }
  const stored = parsed;
  const version = stored['schemaVersion'] ?? 1;
  if (typeof version !== 'number') {
    return { kind: 'malformed', type, reason: 'schemaVersion is not a number' };
  }
  const newest = type === EVENTS_IGNORED ? EVENTS_IGNORED_VERSION : SCHEMA_VERSIONS[type];
  const isProtected = version === PROTECTED_VERSION && USER_EVENTS.has(type);
  if (version > newest && !isProtected) {
    return { kind: 'unknown', type: `${type} version ${version}`, isNewer: true };
  }
  if (type === EVENTS_IGNORED) return ignoredOf(stored);
  const event = isProtected
    ? build(type, stored, standInIn(stored['subject']))
    : buildPlain(type, upcastFrom(version, stored, UPCASTERS[type]));
  return typeof event === 'string'
    ? { kind: 'malformed', type, reason: event }
    : { kind: 'event', event };
};

/** What a user did: these have a protected form, too. */
const USER_EVENTS: ReadonlySet<string> = new Set<AnimeEventType>([
  'ClickRegistered',
  'ViewRegistered',
  'RatingGiven',
]);

const ignoredOf = ({ animeId, occurredAt, from, to, reason }: UnknownFields): Decoded => {
  const malformed = (why: string): Decoded => ({
    kind: 'malformed',
    type: EVENTS_IGNORED,
    reason: why,
  });
  if (!isAnimeId(animeId)) return malformed('animeId is not an anime id');
  if (!isRevision(from) || !isRevision(to) || from > to) {
    return malformed('from and to are not revisions in order');
  }
  if (typeof occurredAt !== 'string' || typeof reason !== 'string') {
    return malformed('occurredAt and reason are not texts');
  }
  return { kind: 'ignored', ignored: { animeId, occurredAt, from, to, reason } };
};

const isRevision = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

const fromVersion1 = (v1: UnknownFields): UnknownFields => ({
  animeId: v1['anime_id'],
  userId: v1['user_id'],
  durationSeconds: v1['duration_seconds'],
  rating: v1['rating'],
  occurredAt: inUtc(v1['occurred_at']),
});

const HAS_OFFSET = /(Z|[+-]\d\d:\d\d)$/;

const inUtc = (value: unknown): unknown => {
  if (typeof value !== 'string') return value;
  const time = new Date(HAS_OFFSET.test(value) ? value : `${value}Z`);
  return Number.isNaN(time.getTime()) ? value : time.toISOString();
};

/** By type, the step from version 1 to 2, then that from 2 to 3, and so on. */
const UPCASTERS: Readonly<Record<AnimeEventType, readonly Upcaster[]>> = {
  AnimeListed: [],
  AnimeDetailsRevised: [],
  AnimeDelisted: [],
  ClickRegistered: [fromVersion1],
  ViewRegistered: [fromVersion1],
  RatingGiven: [fromVersion1],
};

const newestVersionOf = (type: AnimeEventType): number => UPCASTERS[type].length + 1;

/**
 * The version that new events are written with, by type. An older one is upcast when read. Where user
 * ids are protected, interactions are written with PROTECTED_VERSION instead.
 */
export const SCHEMA_VERSIONS: Readonly<Record<AnimeEventType, number>> = {
  AnimeListed: newestVersionOf('AnimeListed'),
  AnimeDetailsRevised: newestVersionOf('AnimeDetailsRevised'),
  AnimeDelisted: newestVersionOf('AnimeDelisted'),
  ClickRegistered: newestVersionOf('ClickRegistered'),
  ViewRegistered: newestVersionOf('ViewRegistered'),
  RatingGiven: newestVersionOf('RatingGiven'),
};

/** Data of that version after every step that follows it. Below version 1 all steps are taken. */
export const upcastFrom = (
  version: number,
  data: UnknownFields,
  steps: readonly Upcaster[],
): UnknownFields => {
  let upcasted = data;
  for (let step = Math.max(1, Math.floor(version)) - 1; step < steps.length; step += 1) {
    upcasted = steps[step]?.(upcasted) ?? upcasted;
  }
  return upcasted;
};

const UTC_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/;

const buildPlain = (type: AnimeEventType, data: UnknownFields): AnimeEvent | string =>
  build(type, data, isUserId(data['userId']) ? data['userId'] : undefined);

const build = (
  type: AnimeEventType,
  data: UnknownFields,
  userId: UserId | undefined,
): AnimeEvent | string => {
  const { animeId, occurredAt, durationSeconds, rating, details } = data;
  if (!isAnimeId(animeId)) return 'animeId is not an anime id';
  if (typeof occurredAt !== 'string' || !UTC_TIME.test(occurredAt)) {
    return 'occurredAt is not an ISO 8601 time in UTC';
  }
  // Written out property by property: this runs for every event of a rebuild, where a spread into
  // an object with more properties costs ten times as much.
  if (type === 'AnimeDelisted') return { type, data: { animeId, occurredAt } };
  if (type === 'AnimeListed' || type === 'AnimeDetailsRevised') {
    const known = storedDetails(details);
    return known === undefined
      ? 'details are not those of an anime'
      : { type, data: { animeId, occurredAt, details: known } };
  }
  if (userId === undefined) {
    return 'subject' in data ? 'subject is not a subject' : 'userId is not a user id';
  }
  switch (type) {
    case 'ClickRegistered':
      return { type, data: { animeId, occurredAt, userId } };
    case 'ViewRegistered':
      return isDurationSeconds(durationSeconds)
        ? { type, data: { animeId, occurredAt, userId, durationSeconds } }
        : 'durationSeconds is not 0 to 2,147,483,647 whole seconds';
    case 'RatingGiven':
      return isRating(rating)
        ? { type, data: { animeId, occurredAt, userId, rating: keptRating(rating) } }
        : 'rating is not a number from 1 to 10';
  }
};

export type Unreadable = Exclude<Decoded, { readonly kind: 'event' | 'ignored' }>;

export const isUnreadable = (decoded: Decoded): decoded is Unreadable =>
  decoded.kind !== 'event' && decoded.kind !== 'ignored';

/** Why the event counts for nothing, as the end of a sentence. */
export const whyUnreadable = (decoded: Unreadable): string => {
  if (decoded.kind === 'malformed') return decoded.reason;
  return decoded.isNewer ? 'its schema version is newer than this service' : 'unknown type';
};

/** What an operator does about it. An event of a newer version is not given up: an upgrade reads it. */
export const remedyFor = (
  decoded: Unreadable,
  stream: string,
  /** Or a range of them, as the command takes it. */
  revision: bigint | number | string,
): string => {
  const command = `anime-analytics dead-letters ignore ${stream} ${revision}`;
  if (decoded.kind === 'malformed') return `To go on without it: ${command}`;
  return decoded.isNewer
    ? 'Upgrade this service: a newer version of it wrote the event.'
    : `Upgrade if a newer version of this service wrote it. To go on without it: ${command}`;
};
