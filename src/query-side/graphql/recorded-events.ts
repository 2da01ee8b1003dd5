import { GraphQLError, GraphQLScalarType } from 'graphql';
import { animeIdOf } from '../../domain/ids.js';
import type { RecordedEvent } from '../../ports/event-store.js';

const SHOWN_STREAM =
  /^(?:(?:anime|ratings|snapshot-anime|bridge-checkpoint)-|(?:log-identity|users-forgotten)$)/;

/**
 * Only the streams of this service: a server may hold those of others, and its own (`$...`) hold
 * users and access rights.
 */
export const isShownStream = (stream: string): boolean => SHOWN_STREAM.test(stream);

/** Without links and other system events. */
export const isShownEvent = ({ stream, type }: RecordedEvent): boolean =>
  isShownStream(stream) && !type.startsWith('$');

/** An event in the shape of the schema. Its contents are decoded only if a query selects them. */
export const toRecordedEvent = (event: RecordedEvent) => ({
  id: `RecordedEvent:${event.revision}@${event.stream}`,
  eventId: event.id,
  stream: event.stream,
  type: event.type,
  revision: event.revision.toString(),
  position: event.position.commit.toString(),
  time: new Date(event.recordedAt).toISOString(),
  animeId: animeIdOf(event.stream) ?? null,
  data: () => jsonValueOf(event.data),
  dataText: () => textIn(event.data),
  dataBase64: () => buffer(event.data).toString('base64'),
  metadata: () => jsonValueOf(event.metadata),
});

const buffer = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const losslessUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Null unless the bytes are valid UTF-8. */
const textIn = (bytes: Uint8Array): string | null => {
  try {
    return losslessUtf8.decode(bytes);
  } catch {
    return null;
  }
};

/** A response is written recursively, so its nesting must be limited. */
const MAX_NESTING = 64;

/** Null if the bytes are no JSON: other clients may have stored anything. */
const jsonValueOf = (bytes: Uint8Array): unknown => {
  const text = textIn(bytes);
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return isShownJson(value) ? value : null;
  } catch {
    return null;
  }
};

/** Whether a value can be written as JSON in a response. */
export const isShownJson = (value: unknown): boolean => isNestedWithin(MAX_NESTING, value);

const isNestedWithin = (levels: number, value: unknown): boolean => {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((one) => isNestedWithin(levels - 1, one));
};

/** Stored events: their queries and types. */
export const eventTypes = /* GraphQL */ `
  scalar JSON

  extend type Query {
    "The events of one stream of this service, as stored. Null when the stream does not exist. A page ends early once its events have 1 MiB. If the service has API keys, one is required; without it null, with the code UNAUTHENTICATED. EVENTS_NOT_AVAILABLE where the service does not show events."
    stream(
      "The name of the stream: anime-, ratings-, snapshot-anime- or bridge-checkpoint- and an id, or log-identity."
      name: String!
      "The first revision of the page, as a decimal string. By default the end of the stream at which the direction begins."
      from: String
      "The end cursor of the previous page; not together with from."
      after: String
      "The maximum number of results. From 1 to 100."
      limit: Int = 20
      "BACKWARDS begins with the newest event."
      direction: Direction = BACKWARDS
    ): EventConnection
    "The events of all streams of this service, as stored, in the order of the log. A page ends early once its events have 1 MiB, or after 1000 stored events of any stream and type: it may then have few edges or none, and go on after its end cursor. Errors are those of stream."
    log(
      "The end cursor of the previous page."
      after: String
      "The maximum number of results. From 1 to 100."
      limit: Int = 20
      "BACKWARDS begins with the newest event."
      direction: Direction = BACKWARDS
      "Only events of these types. At most 20."
      types: [String!]
    ): EventConnection
  }

  "The order of a page of events."
  enum Direction {
    "Oldest first."
    FORWARDS
    "Newest first."
    BACKWARDS
  }

  "A page of events. FORWARDS, the end cursor of the last page goes on with what is stored later."
  type EventConnection {
    "The events of the page with their cursors."
    edges: [EventEdge!]!
    "How the page relates to the others."
    pageInfo: PageInfo!
  }

  "An event of a page, with its cursor."
  type EventEdge {
    "The event."
    node: RecordedEvent!
    "The place of this edge, for after."
    cursor: String!
  }

  "An event as it is stored."
  type RecordedEvent {
    "Unique among all objects of this API: RecordedEvent, the revision and the stream."
    id: ID!
    "The id of the event, a UUID."
    eventId: String!
    "The stream of the event."
    stream: String!
    "The type of the event."
    type: String!
    "The revision of the event in its stream, as a decimal string."
    revision: String!
    "The commit position of the event in the log, as a decimal string."
    position: String!
    "When the event was stored, in ISO 8601, by the clock of the event store."
    time: String!
    "The anime whose stream it is; null for other streams."
    animeId: Int
    "The data; null where it is not JSON or nested more than 64 levels deep. Numbers are those of JavaScript: dataText has all digits."
    data: JSON
    "The stored data, unchanged; null where it is not UTF-8."
    dataText: String
    "The stored data in base64, whatever it is."
    dataBase64: String!
    "The metadata; null where it is not JSON or nested more than 64 levels deep."
    metadata: JSON
  }
`;

/** For responses only: no argument takes it. */
export const jsonScalar = new GraphQLScalarType<never, unknown>({
  name: 'JSON',
  description: 'Any JSON value.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259',
  serialize: (value) => value,
  parseValue: () => {
    throw new GraphQLError('JSON is not an input type.');
  },
});
