import { MAX_ANIME_ID, USER_ID } from '../../domain/ids.js';
import {
  MAX_AGE_DAYS,
  MAX_AHEAD_MINUTES,
  MAX_RATING,
  MAX_VIEW_SECONDS,
  MIN_RATING,
  TIME_PATTERN,
} from '../../domain/rules.js';
import { MAX_COMMANDS } from './batch-route.js';
import { KEY_TEXT } from './headers.js';
import {
  labelSchema,
  numberSchema,
  objectSchema,
  textSchema,
  upTo,
  uuidSchema,
  whole64,
} from './json-schema.js';
import { PROBLEM_EXAMPLES, REQUEST_EXAMPLES, RESPONSE_EXAMPLES } from './openapi-examples.js';

export const ANIME_ID_SCHEMA = numberSchema(
  'integer',
  'The MyAnimeList id.',
  { minimum: 1, maximum: MAX_ANIME_ID },
  REQUEST_EXAMPLES.Click.anime_id,
);

export const USER_ID_SCHEMA = textSchema(
  'The id of the user, in any form that identifies users.',
  USER_ID,
  'user123',
);

const OCCURRED_AT_SCHEMA = {
  type: 'string',
  format: 'date-time',
  description: `When it happened, with an offset, if that is not now: at most ${MAX_AGE_DAYS} days ago and at most ${MAX_AHEAD_MINUTES} minutes ahead.`,
  pattern: TIME_PATTERN,
  examples: ['2026-11-24T09:30:00.000+02:00'],
};

const interactionProperties = {
  anime_id: ANIME_ID_SCHEMA,
  user_id: USER_ID_SCHEMA,
  occurred_at: OCCURRED_AT_SCHEMA,
};

const duration = numberSchema(
  'integer',
  'How long the user viewed it, in whole seconds.',
  upTo(MAX_VIEW_SECONDS),
  REQUEST_EXAMPLES.View.duration_seconds,
);

const rating = numberSchema(
  'number',
  'The rating, stored rounded to hundredths, half up.',
  { minimum: MIN_RATING, maximum: MAX_RATING },
  REQUEST_EXAMPLES.Rating.rating,
);

export const STORED_RATING = numberSchema(
  'number',
  'The rating as stored, rounded to hundredths.',
  { minimum: MIN_RATING, maximum: MAX_RATING },
  RESPONSE_EXAMPLES.rated.rating,
);

const problemProperties = {
  type: {
    ...labelSchema('The type of the problem; about:blank if the status says it all.'),
    format: 'uri-reference',
    examples: [PROBLEM_EXAMPLES.validation.type],
  },
  title: labelSchema('The type in words.', PROBLEM_EXAMPLES.validation.title),
  status: { type: 'integer', description: 'The HTTP status.', examples: [422] },
  detail: labelSchema('What is wrong, as a sentence.', PROBLEM_EXAMPLES.validation.detail),
  instance: { ...labelSchema('The path of the request.', '/click'), format: 'uri-reference' },
  requestId: labelSchema('The id of the request, as in the log.', 'request-42'),
  stream: labelSchema('For stream-unreadable and stream-truncated: the stream.', 'anime-1'),
  revision: whole64('The revision of the unreadable event, or of the first one that is left.', '1'),
  eventType: labelSchema('The type of that event.', 'ClickRegistered'),
  errors: {
    type: 'array',
    description: 'The invalid fields.',
    items: objectSchema(
      'An invalid field.',
      {
        pointer: labelSchema('A JSON pointer into the body.', '/user_id'),
        detail: labelSchema('What is wrong, as a sentence.', 'user_id is required.'),
      },
      ['pointer', 'detail'],
      { pointer: '/user_id', detail: 'user_id is required.' },
    ),
  },
};

const batchResults = {
  type: 'array',
  description: 'One result for each command, in the order of the commands.',
  items: objectSchema(
    'What was recorded, or a problem as a single command would have it.',
    {
      ...problemProperties,
      status: {
        type: 'integer',
        description: 'The HTTP status that a single command would have.',
        examples: [201],
      },
      eventId: uuidSchema('The id of the event.', RESPONSE_EXAMPLES.clicked.eventId),
      animeId: ANIME_ID_SCHEMA,
      revision: whole64('The revision of the anime; in a problem, that of the event.', '41'),
      position: whole64('A log position at or after the event.', '15324'),
      rating: STORED_RATING,
      replayed: {
        type: 'boolean',
        description: 'Present if the command had already been recorded.',
        examples: [true],
      },
    },
    ['status'],
    RESPONSE_EXAMPLES.batch.results[0] ?? {},
  ),
  examples: [RESPONSE_EXAMPLES.batch.results],
};

export const PROBLEM_SCHEMA = objectSchema(
  'A problem document (RFC 9457).',
  {
    ...problemProperties,
    results: {
      ...batchResults,
      description: 'Of a batch that turned out too long: what had been decided by then.',
    },
  },
  ['type', 'title', 'status', 'detail'],
  PROBLEM_EXAMPLES.validation,
);

/** Built from the rules that the domain checks, so that the two cannot drift apart. */
export const INTERACTION_SCHEMAS = {
  Click: objectSchema(
    'A user clicked on an anime.',
    interactionProperties,
    ['anime_id', 'user_id'],
    REQUEST_EXAMPLES.Click,
  ),
  View: objectSchema(
    'A user viewed an anime.',
    {
      ...interactionProperties,
      duration_seconds: duration,
    },
    ['anime_id', 'user_id', 'duration_seconds'],
    REQUEST_EXAMPLES.View,
  ),
  Rating: objectSchema(
    "A user rated an anime. It replaces the user's earlier rating.",
    {
      ...interactionProperties,
      rating,
    },
    ['anime_id', 'user_id', 'rating'],
    REQUEST_EXAMPLES.Rating,
  ),
  Batch: {
    type: 'array',
    description: 'Interactions, each with its type and the fields of that type.',
    maxItems: MAX_COMMANDS,
    items: objectSchema(
      'A click, a view or a rating.',
      {
        type: { type: 'string', enum: ['click', 'view', 'rating'], description: 'What it is.' },
        ...interactionProperties,
        duration_seconds: { ...duration, description: 'Required for a view: its whole seconds.' },
        rating: { ...rating, description: 'Required for a rating: as of a single one.' },
        id: {
          type: 'string',
          description: 'Makes a retry safe: the same as the header Idempotency-Key.',
          pattern: KEY_TEXT,
          examples: ['a5c8f0d2-click-1'],
        },
      },
      ['type', 'anime_id', 'user_id'],
      REQUEST_EXAMPLES.Batch[0] ?? {},
    ),
    examples: [REQUEST_EXAMPLES.Batch],
  },
  BatchResults: objectSchema(
    'The results of a batch.',
    { results: batchResults },
    ['results'],
    RESPONSE_EXAMPLES.batch,
  ),
};
