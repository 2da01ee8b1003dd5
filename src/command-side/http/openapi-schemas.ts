import { type DetailField, DETAILS } from '../../domain/details.js';
import { MAX_ANIME_ID, USER_ID } from '../../domain/ids.js';
import { MAX_RATING, MAX_VIEW_SECONDS, MIN_RATING } from '../../domain/rules.js';
import { label, number, object, orNull, text, upTo, uuid, whole64 } from './json-schema.js';
import { ANSWERS, PROBLEMS, REFUSED_STREAM, REQUESTS } from './openapi-examples.js';

export const ANIME_ID = number(
  'integer',
  'The MyAnimeList id.',
  { minimum: 1, maximum: MAX_ANIME_ID },
  REQUESTS.Click.anime_id,
);

const userId = text('Who it was, in whatever way you tell users apart.', USER_ID, 'user123');

const interaction = { anime_id: ANIME_ID, user_id: userId };

const health = {
  type: 'string',
  enum: ['healthy', 'unhealthy'],
  description: 'Whether it can be relied on.',
};

const reasons = {
  type: 'object',
  description: 'Why a dependency is unhealthy, by its name.',
  additionalProperties: label('A sentence for a person.', 'There are no read models yet.'),
  examples: [{ 'read-models': 'There are no read models yet.' }],
};

const refused = ANSWERS.degraded.problems['commands-refused'];

const [event] = ANSWERS.events.events;

const EVENT = {
  eventId: uuid('The id of the event.', ANSWERS.clicked.eventId),
  type: label('What happened.', 'ClickRegistered', 'RatingGiven'),
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
      const schema = text(about, field, field.example);
      return field.required === true ? schema : orNull(schema);
    }
    case 'number': {
      const type = field.whole ? 'integer' : 'number';
      return orNull(number(type, about, upTo(field.maximum), field.example));
    }
    case 'texts': {
      const { item, maxItems } = field;
      const items = text(item.about, item, item.example);
      return { type: 'array', description: about, maxItems, items, examples: [example] };
    }
  }
};

/** The shapes of bodies, built from the very rules that the domain checks. */
export const schemas = {
  Click: object(
    'A user clicked on an anime.',
    interaction,
    ['anime_id', 'user_id'],
    REQUESTS.Click,
  ),
  View: object(
    'A user looked at an anime.',
    {
      ...interaction,
      duration_seconds: number(
        'integer',
        'How long, in whole seconds.',
        upTo(MAX_VIEW_SECONDS),
        REQUESTS.View.duration_seconds,
      ),
    },
    ['anime_id', 'user_id', 'duration_seconds'],
    REQUESTS.View,
  ),
  Rating: object(
    'A user rated an anime; a later rating of the same user replaces it.',
    {
      ...interaction,
      rating: number(
        'number',
        'Kept rounded to hundredths, halves up.',
        { minimum: MIN_RATING, maximum: MAX_RATING },
        REQUESTS.Rating.rating,
      ),
    },
    ['anime_id', 'user_id', 'rating'],
    REQUESTS.Rating,
  ),
  Details: object(
    'What the catalogue knows of an anime. What is absent or null is unknown.',
    Object.fromEntries(
      Object.entries(DETAILS).map(([name, field]) => [name, schemaOfDetail(field)]),
    ),
    ['title'],
    REQUESTS.Details,
  ),
  Recorded: object(
    'The command is done. Without an eventId nothing had to change.',
    {
      status: { type: 'string', const: 'ok', description: 'Always ok.' },
      message: label('A sentence for a person.', ANSWERS.clicked.message),
      eventId: uuid('The id of the event that was recorded.', ANSWERS.clicked.eventId),
      animeId: ANIME_ID,
      revision: whole64('The revision of the anime; queries take it as minRevision.', '41'),
      position: whole64('A place in the log at or after the event.', '15324'),
      rating: number(
        'number',
        'What was kept of a rating: rounded to hundredths.',
        { minimum: MIN_RATING, maximum: MAX_RATING },
        ANSWERS.rated.rating,
      ),
    },
    ['status', 'message', 'animeId', 'revision'],
    ANSWERS.clicked,
  ),
  Events: object(
    'A page of the history of an anime.',
    {
      animeId: ANIME_ID,
      stream: label('The stream in the event store.', 'anime-1'),
      events: {
        type: 'array',
        description: 'Oldest first.',
        items: object(
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
        examples: [ANSWERS.events.next],
      },
    },
    ['animeId', 'stream', 'events', 'next'],
    ANSWERS.events,
  ),
  Problem: object(
    'Why a request was refused (RFC 9457).',
    {
      type: {
        ...label('The kind of problem; about:blank where the status says it all.'),
        format: 'uri-reference',
        examples: [PROBLEMS.validation.type],
      },
      title: label('The kind in words.', PROBLEMS.validation.title),
      status: { type: 'integer', description: 'The HTTP status.', examples: [422] },
      detail: label('What is wrong: a sentence for a person.', PROBLEMS.validation.detail),
      instance: { ...label('The path of the request.', '/click'), format: 'uri-reference' },
      requestId: label('Which request it was, as in the log.', 'request-42'),
      stream: label('With stream-unreadable and stream-truncated: the stream.', 'anime-1'),
      revision: whole64('Of the event that cannot be read, or of the first one left.', '1'),
      eventType: label('The type of that event.', 'ClickRegistered'),
      errors: {
        type: 'array',
        description: 'What is wrong with which field.',
        items: object(
          'What is wrong with one field.',
          {
            pointer: label('A JSON pointer into the body.', '/user_id'),
            detail: label('A sentence for a person.', 'user_id is required.'),
          },
          ['pointer', 'detail'],
          { pointer: '/user_id', detail: 'user_id is required.' },
        ),
      },
    },
    ['type', 'title', 'status', 'detail'],
    PROBLEMS.validation,
  ),
  Health: object(
    'How the service is.',
    {
      status: {
        ...health,
        enum: ['healthy', 'degraded', 'unhealthy'],
        description: 'Degraded: it serves, and an operator must look at some streams.',
      },
      service: label('Which part of the service this is.', 'command-api'),
      version: label('Its version.', '0.1.0'),
      dependencies: {
        type: 'object',
        description: 'What it needs, by name.',
        additionalProperties: health,
        examples: [ANSWERS.healthy.dependencies],
      },
      reasons,
      problems: {
        type: 'object',
        description: 'What an operator must look at, while all else is served.',
        additionalProperties: object(
          'Problems of one kind.',
          {
            count: {
              type: 'integer',
              minimum: 1,
              description: 'How many there are.',
              examples: [refused.count],
            },
            streams: {
              type: 'array',
              description: 'The first of them.',
              items: object(
                'What is wrong with one stream.',
                {
                  stream: label('Which stream.', 'anime-1'),
                  detail: label('What is wrong with it.', REFUSED_STREAM.detail),
                  remedy: label('What an operator does about it.', REFUSED_STREAM.remedy),
                },
                ['stream', 'detail', 'remedy'],
                REFUSED_STREAM,
              ),
            },
          },
          ['count', 'streams'],
          refused,
        ),
        examples: [ANSWERS.degraded.problems],
      },
    },
    ['status', 'service', 'version', 'dependencies'],
    ANSWERS.healthy,
  ),
  Probe: object(
    'The answer to a probe.',
    { status: label('In a word or two.', 'ready', 'not ready', 'alive'), reasons },
    ['status'],
    ANSWERS.ready,
  ),
};

export type SchemaName = keyof typeof schemas;
