import { GraphQLError, GraphQLScalarType } from 'graphql';

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
