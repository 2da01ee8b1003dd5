import { DETAILS_LIMITS } from '../domain/details-rules.js';
import { MAX_ANIME_ID, USER_ID } from '../domain/ids.js';
import { MAX_RATING, MAX_VIEW_SECONDS, MIN_RATING } from '../domain/rules.js';

const L = DETAILS_LIMITS;

const animeId = { type: 'integer', minimum: 1, maximum: MAX_ANIME_ID, examples: [1] };
const userId = {
  type: 'string',
  minLength: 1,
  maxLength: USER_ID.maxLength,
  examples: ['user123'],
};
const whole64 = { type: 'string', pattern: '^(0|[1-9][0-9]*)$', examples: ['42'] };

const object = (properties: object, required: readonly string[]) => ({
  type: 'object',
  properties,
  required,
});

const optionalText = (maxLength: number) => ({ type: ['string', 'null'], maxLength });
const optionalNumber = (type: 'integer' | 'number', maximum: number) => ({
  type: [type, 'null'],
  minimum: 0,
  maximum,
});

const interaction = { anime_id: animeId, user_id: userId };

const health = { enum: ['healthy', 'unhealthy'] };

/** The shapes of bodies, built from the very limits that the domain checks. */
export const schemas = {
  Click: object(interaction, ['anime_id', 'user_id']),
  View: object(
    {
      ...interaction,
      duration_seconds: { type: 'integer', minimum: 0, maximum: MAX_VIEW_SECONDS },
    },
    ['anime_id', 'user_id', 'duration_seconds'],
  ),
  Rating: object(
    {
      ...interaction,
      rating: {
        type: 'number',
        minimum: MIN_RATING,
        maximum: MAX_RATING,
        description: 'Kept rounded to hundredths, halves up.',
        examples: [8.75],
      },
    },
    ['anime_id', 'user_id', 'rating'],
  ),
  Details: object(
    {
      title: { type: 'string', minLength: 1, maxLength: L.titleLength },
      description: optionalText(L.descriptionLength),
      image: optionalText(L.imageLength),
      type: optionalText(L.typeLength),
      episodes: optionalNumber('integer', L.episodes),
      genres: {
        type: 'array',
        maxItems: L.genres,
        items: { type: 'string', minLength: 1, maxLength: L.genreLength },
      },
      score: optionalNumber('number', L.score),
      popularity: optionalNumber('integer', L.popularity),
      members: optionalNumber('integer', L.members),
    },
    ['title'],
  ),
  Recorded: object(
    {
      status: { const: 'ok' },
      message: { type: 'string' },
      eventId: { type: 'string', format: 'uuid' },
      animeId,
      revision: whole64,
      position: whole64,
      rating: {
        type: 'number',
        minimum: MIN_RATING,
        maximum: MAX_RATING,
        description: 'What was kept of a rating: rounded to hundredths.',
        examples: [8.75],
      },
    },
    ['status', 'message', 'animeId', 'revision'],
  ),
  Events: object(
    {
      animeId,
      stream: { type: 'string', examples: ['anime-1'] },
      events: {
        type: 'array',
        items: object(
          {
            eventId: { type: 'string', format: 'uuid' },
            type: { type: 'string', examples: ['ClickRegistered'] },
            revision: whole64,
            position: whole64,
            recordedAt: { type: 'string', format: 'date-time' },
            data: {},
            metadata: {},
          },
          ['eventId', 'type', 'revision', 'position', 'recordedAt', 'data', 'metadata'],
        ),
      },
      next: {
        type: ['string', 'null'],
        format: 'uri-reference',
        description: 'The next page, relative to this one.',
        examples: ['?from=100&limit=100'],
      },
    },
    ['animeId', 'stream', 'events', 'next'],
  ),
  Problem: object(
    {
      type: { type: 'string', format: 'uri-reference' },
      title: { type: 'string' },
      status: { type: 'integer' },
      detail: { type: 'string' },
      instance: { type: 'string', format: 'uri-reference' },
      requestId: { type: 'string' },
      stream: { type: 'string', description: 'With stream-unreadable and stream-truncated.' },
      revision: { ...whole64, description: 'Of the event that cannot be read, or the first left.' },
      eventType: { type: 'string' },
      errors: {
        type: 'array',
        items: object({ pointer: { type: 'string' }, detail: { type: 'string' } }, [
          'pointer',
          'detail',
        ]),
      },
    },
    ['type', 'title', 'status', 'detail'],
  ),
  Health: object(
    {
      status: { enum: ['healthy', 'degraded', 'unhealthy'] },
      service: { type: 'string' },
      version: { type: 'string' },
      dependencies: { type: 'object', additionalProperties: health },
      problems: {
        type: 'object',
        description: 'Streams that an operator must look at, while all others are served.',
        additionalProperties: object(
          {
            count: { type: 'integer' },
            streams: {
              type: 'array',
              items: object(
                {
                  stream: { type: 'string' },
                  detail: { type: 'string' },
                  remedy: { type: 'string' },
                },
                ['stream', 'detail', 'remedy'],
              ),
            },
          },
          ['count', 'streams'],
        ),
      },
    },
    ['status', 'service', 'version', 'dependencies'],
  ),
  Probe: object({ status: { type: 'string' } }, ['status']),
};

export type SchemaName = keyof typeof schemas;
