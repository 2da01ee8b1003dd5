import { type DetailField, DETAILS } from '../../domain/details.js';
import {
  labelSchema,
  numberSchema,
  objectSchema,
  nullable,
  textSchema,
  upTo,
  uuidSchema,
  whole64,
} from './json-schema.js';
import { RESPONSE_EXAMPLES, REFUSED_STREAM, REQUEST_EXAMPLES } from './openapi-examples.js';
import {
  ANIME_ID_SCHEMA,
  INTERACTION_SCHEMAS,
  PROBLEM_SCHEMA,
  STORED_RATING,
} from './openapi-interaction-schemas.js';

const health = {
  type: 'string',
  enum: ['healthy', 'unhealthy'],
  description: 'Whether the dependency works.',
};

const reasons = {
  type: 'object',
  description: 'Why a dependency is unhealthy, by its name.',
  additionalProperties: labelSchema('The reason, as a sentence.', 'There are no read models yet.'),
  examples: [{ 'read-models': 'There are no read models yet.' }],
};

const REFUSED_EXAMPLE = RESPONSE_EXAMPLES.degraded.problems['commands-refused'];

const [event] = RESPONSE_EXAMPLES.events.events;

const EVENT_PROPERTIES = {
  eventId: uuidSchema('The id of the event.', RESPONSE_EXAMPLES.clicked.eventId),
  type: labelSchema('What happened.', 'ClickRegistered', 'RatingGiven'),
  revision: whole64('Its position in the stream of the anime, from 0.', '1'),
  position: whole64('Its position in the log of all events.', '2'),
  recordedAt: {
    type: 'string',
    format: 'date-time',
    description: "When the event store recorded it, by that server's clock.",
    examples: ['2026-11-24T10:00:00.003Z'],
  },
  data: { description: 'The data of the event as stored; base64 if it is not JSON.' },
  metadata: { description: 'The metadata of the event: the ids of its request and command.' },
};

const schemaOfDetail = (field: DetailField) => {
  const { about, example } = field;
  switch (field.kind) {
    case 'text': {
      const schema = textSchema(about, field, field.example);
      return field.required === true ? schema : nullable(schema);
    }
    case 'number': {
      const type = field.whole ? 'integer' : 'number';
      return nullable(numberSchema(type, about, upTo(field.maximum), field.example));
    }
    case 'texts': {
      const { item, maxItems } = field;
      const items = textSchema(item.about, item, item.example);
      return { type: 'array', description: about, maxItems, items, examples: [example] };
    }
  }
};

/** Built from the rules that the domain checks, so that the two cannot drift apart. */
export const schemas = {
  ...INTERACTION_SCHEMAS,
  Details: objectSchema(
    'The catalogue entry of an anime. A detail that is absent or null is unknown.',
    Object.fromEntries(
      Object.entries(DETAILS).map(([name, field]) => [name, schemaOfDetail(field)]),
    ),
    ['title'],
    REQUEST_EXAMPLES.Details,
  ),
  Recorded: objectSchema(
    'The command succeeded. Without an eventId, nothing had to change.',
    {
      status: { type: 'string', const: 'ok', description: 'Always ok.' },
      message: labelSchema('The result, as a sentence.', RESPONSE_EXAMPLES.clicked.message),
      eventId: uuidSchema(
        'The id of the event that was recorded.',
        RESPONSE_EXAMPLES.clicked.eventId,
      ),
      animeId: ANIME_ID_SCHEMA,
      revision: whole64('The revision of the anime; pass it to queries as minRevision.', '41'),
      position: whole64('A log position at or after the event.', '15324'),
      rating: STORED_RATING,
    },
    ['status', 'message', 'animeId', 'revision'],
    RESPONSE_EXAMPLES.clicked,
  ),
  Events: objectSchema(
    'A page of the history of an anime.',
    {
      animeId: ANIME_ID_SCHEMA,
      stream: labelSchema('The name of the stream in the event store.', 'anime-1'),
      events: {
        type: 'array',
        description: 'The events, oldest first.',
        items: objectSchema(
          'An event.',
          EVENT_PROPERTIES,
          ['eventId', 'type', 'revision', 'position', 'recordedAt', 'data', 'metadata'],
          event ?? {},
        ),
      },
      next: {
        type: ['string', 'null'],
        format: 'uri-reference',
        description: 'The next page, relative to this one; null at the end.',
        examples: [RESPONSE_EXAMPLES.events.next],
      },
    },
    ['animeId', 'stream', 'events', 'next'],
    RESPONSE_EXAMPLES.events,
  ),
  Problem: PROBLEM_SCHEMA,
  Erased: objectSchema(
    'What an erasure did.',
    {
      status: labelSchema('Always ok.', 'ok'),
      message: labelSchema('A sentence.', RESPONSE_EXAMPLES.erased.message),
      notErased: objectSchema(
        'Events from before user ids were encrypted: they hold the id in plain text.',
        {
          events: {
            type: 'integer',
            minimum: 0,
            description: 'How many there are.',
            examples: [RESPONSE_EXAMPLES.erasedInPart.notErased.events],
          },
          streams: {
            type: 'array',
            description: 'Their streams, at most 20.',
            items: labelSchema('The name of a stream.', 'anime-1'),
          },
        },
        ['events', 'streams'],
        RESPONSE_EXAMPLES.erasedInPart.notErased,
      ),
    },
    ['status', 'message', 'notErased'],
    RESPONSE_EXAMPLES.erased,
  ),
  Health: objectSchema(
    'The health of the service.',
    {
      status: {
        ...health,
        enum: ['healthy', 'degraded', 'unhealthy'],
        description: 'Degraded: it serves requests, but an operator must look at some streams.',
      },
      service: labelSchema('The name of this part of the service.', 'command-api'),
      version: labelSchema('The version of the service.', '0.1.0'),
      dependencies: {
        type: 'object',
        description: 'The health of each dependency, by name.',
        additionalProperties: health,
        examples: [RESPONSE_EXAMPLES.healthy.dependencies],
      },
      reasons,
      problems: {
        type: 'object',
        description: 'Problems that an operator must look at, while everything else works.',
        additionalProperties: objectSchema(
          'Problems of one kind.',
          {
            count: {
              type: 'integer',
              minimum: 1,
              description: 'How many there are.',
              examples: [REFUSED_EXAMPLE.count],
            },
            streams: {
              type: 'array',
              description: 'The first affected streams.',
              items: objectSchema(
                'A problem with one stream.',
                {
                  stream: labelSchema('The name of the stream.', 'anime-1'),
                  detail: labelSchema('What is wrong with it.', REFUSED_STREAM.detail),
                  remedy: labelSchema('How to fix it.', REFUSED_STREAM.remedy),
                },
                ['stream', 'detail', 'remedy'],
                REFUSED_STREAM,
              ),
            },
          },
          ['count', 'streams'],
          REFUSED_EXAMPLE,
        ),
        examples: [RESPONSE_EXAMPLES.degraded.problems],
      },
    },
    ['status', 'service', 'version', 'dependencies'],
    RESPONSE_EXAMPLES.healthy,
  ),
  Probe: objectSchema(
    'The response to a probe.',
    { status: labelSchema('The status in a word or two.', 'ready', 'not ready', 'alive'), reasons },
    ['status'],
    RESPONSE_EXAMPLES.ready,
  ),
};

export type SchemaName = keyof typeof schemas;
