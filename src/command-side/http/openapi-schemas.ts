import { type DetailField, DETAILS } from '../../domain/details.js';
import { MAX_ANIME_ID, USER_ID } from '../../domain/ids.js';
import { MAX_RATING, MAX_VIEW_SECONDS, MIN_RATING } from '../../domain/rules.js';
import {
  labelSchema,
  numberSchema,
  objectSchema,
  orNull,
  textSchema,
  upTo,
  uuidSchema,
  whole64,
} from './json-schema.js';
import {
  RESPONSE_EXAMPLES,
  PROBLEM_EXAMPLES,
  REFUSED_STREAM,
  REQUEST_EXAMPLES,
} from './openapi-examples.js';

export const ANIME_ID_SCHEMA = numberSchema(
  'integer',
  'The MyAnimeList id.',
  { minimum: 1, maximum: MAX_ANIME_ID },
  REQUEST_EXAMPLES.Click.anime_id,
);

const userId = textSchema('Who it was, in whatever way you tell users apart.', USER_ID, 'user123');

const interactionProperties = { anime_id: ANIME_ID_SCHEMA, user_id: userId };

const health = {
  type: 'string',
  enum: ['healthy', 'unhealthy'],
  description: 'Whether it can be relied on.',
};

const reasons = {
  type: 'object',
  description: 'Why a dependency is unhealthy, by its name.',
  additionalProperties: labelSchema('A sentence for a person.', 'There are no read models yet.'),
  examples: [{ 'read-models': 'There are no read models yet.' }],
};

const REFUSED_EXAMPLE = RESPONSE_EXAMPLES.degraded.problems['commands-refused'];

const [event] = RESPONSE_EXAMPLES.events.events;

const EVENT = {
  eventId: uuidSchema('The id of the event.', RESPONSE_EXAMPLES.clicked.eventId),
  type: labelSchema('What happened.', 'ClickRegistered', 'RatingGiven'),
  revision: whole64('Its place in the history of the anime, from 0.', '1'),
  position: whole64('Its place in the log of all events.', '2'),
  recordedAt: {
    type: 'string',
    format: 'date-time',
    description: "When the event store took it, by that server's clock.",
    examples: ['2026-11-24T10:00:00.003Z'],
  },
  data: { description: 'What the event says, as stored; base64 where it is not JSON.' },
  metadata: { description: 'What was stored beside it: the ids of request and command.' },
};

const schemaOfDetail = (field: DetailField) => {
  const { about, example } = field;
  switch (field.kind) {
    case 'text': {
      const schema = textSchema(about, field, field.example);
      return field.required === true ? schema : orNull(schema);
    }
    case 'number': {
      const type = field.whole ? 'integer' : 'number';
      return orNull(numberSchema(type, about, upTo(field.maximum), field.example));
    }
    case 'texts': {
      const { item, maxItems } = field;
      const items = textSchema(item.about, item, item.example);
      return { type: 'array', description: about, maxItems, items, examples: [example] };
    }
  }
};

/** The shapes of bodies, built from the very rules that the domain checks. */
export const schemas = {
  Click: objectSchema(
    'A user clicked on an anime.',
    interactionProperties,
    ['anime_id', 'user_id'],
    REQUEST_EXAMPLES.Click,
  ),
  View: objectSchema(
    'A user looked at an anime.',
    {
      ...interactionProperties,
      duration_seconds: numberSchema(
        'integer',
        'How long, in whole seconds.',
        upTo(MAX_VIEW_SECONDS),
        REQUEST_EXAMPLES.View.duration_seconds,
      ),
    },
    ['anime_id', 'user_id', 'duration_seconds'],
    REQUEST_EXAMPLES.View,
  ),
  Rating: objectSchema(
    'A user rated an anime; a later rating of the same user replaces it.',
    {
      ...interactionProperties,
      rating: numberSchema(
        'number',
        'Kept rounded to hundredths, halves up.',
        { minimum: MIN_RATING, maximum: MAX_RATING },
        REQUEST_EXAMPLES.Rating.rating,
      ),
    },
    ['anime_id', 'user_id', 'rating'],
    REQUEST_EXAMPLES.Rating,
  ),
  Details: objectSchema(
    'What the catalogue knows of an anime. What is absent or null is unknown.',
    Object.fromEntries(
      Object.entries(DETAILS).map(([name, field]) => [name, schemaOfDetail(field)]),
    ),
    ['title'],
    REQUEST_EXAMPLES.Details,
  ),
  Recorded: objectSchema(
    'The command is done. Without an eventId nothing had to change.',
    {
      status: { type: 'string', const: 'ok', description: 'Always ok.' },
      message: labelSchema('A sentence for a person.', RESPONSE_EXAMPLES.clicked.message),
      eventId: uuidSchema(
        'The id of the event that was recorded.',
        RESPONSE_EXAMPLES.clicked.eventId,
      ),
      animeId: ANIME_ID_SCHEMA,
      revision: whole64('The revision of the anime; queries take it as minRevision.', '41'),
      position: whole64('A place in the log at or after the event.', '15324'),
      rating: numberSchema(
        'number',
        'What was kept of a rating: rounded to hundredths.',
        { minimum: MIN_RATING, maximum: MAX_RATING },
        RESPONSE_EXAMPLES.rated.rating,
      ),
    },
    ['status', 'message', 'animeId', 'revision'],
    RESPONSE_EXAMPLES.clicked,
  ),
  Events: objectSchema(
    'A page of the history of an anime.',
    {
      animeId: ANIME_ID_SCHEMA,
      stream: labelSchema('The stream in the event store.', 'anime-1'),
      events: {
        type: 'array',
        description: 'Oldest first.',
        items: objectSchema(
          'An event.',
          EVENT,
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
  Problem: objectSchema(
    'Why a request was refused (RFC 9457).',
    {
      type: {
        ...labelSchema('The kind of problem; about:blank where the status says it all.'),
        format: 'uri-reference',
        examples: [PROBLEM_EXAMPLES.validation.type],
      },
      title: labelSchema('The kind in words.', PROBLEM_EXAMPLES.validation.title),
      status: { type: 'integer', description: 'The HTTP status.', examples: [422] },
      detail: labelSchema(
        'What is wrong: a sentence for a person.',
        PROBLEM_EXAMPLES.validation.detail,
      ),
      instance: { ...labelSchema('The path of the request.', '/click'), format: 'uri-reference' },
      requestId: labelSchema('Which request it was, as in the log.', 'request-42'),
      stream: labelSchema('With stream-unreadable and stream-truncated: the stream.', 'anime-1'),
      revision: whole64('Of the event that cannot be read, or of the first one left.', '1'),
      eventType: labelSchema('The type of that event.', 'ClickRegistered'),
      errors: {
        type: 'array',
        description: 'What is wrong with which field.',
        items: objectSchema(
          'What is wrong with one field.',
          {
            pointer: labelSchema('A JSON pointer into the body.', '/user_id'),
            detail: labelSchema('A sentence for a person.', 'user_id is required.'),
          },
          ['pointer', 'detail'],
          { pointer: '/user_id', detail: 'user_id is required.' },
        ),
      },
    },
    ['type', 'title', 'status', 'detail'],
    PROBLEM_EXAMPLES.validation,
  ),
  Health: objectSchema(
    'How the service is.',
    {
      status: {
        ...health,
        enum: ['healthy', 'degraded', 'unhealthy'],
        description: 'Degraded: it serves, and an operator must look at some streams.',
      },
      service: labelSchema('Which part of the service this is.', 'command-api'),
      version: labelSchema('Its version.', '0.1.0'),
      dependencies: {
        type: 'object',
        description: 'What it needs, by name.',
        additionalProperties: health,
        examples: [RESPONSE_EXAMPLES.healthy.dependencies],
      },
      reasons,
      problems: {
        type: 'object',
        description: 'What an operator must look at, while all else is served.',
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
              description: 'The first of them.',
              items: objectSchema(
                'What is wrong with one stream.',
                {
                  stream: labelSchema('Which stream.', 'anime-1'),
                  detail: labelSchema('What is wrong with it.', REFUSED_STREAM.detail),
                  remedy: labelSchema('What an operator does about it.', REFUSED_STREAM.remedy),
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
    'The answer to a probe.',
    { status: labelSchema('In a word or two.', 'ready', 'not ready', 'alive'), reasons },
    ['status'],
    RESPONSE_EXAMPLES.ready,
  ),
};

export type SchemaName = keyof typeof schemas;
