import { REQUEST_EXAMPLES, RESPONSE_EXAMPLES } from './openapi-examples.js';
import {
  content,
  EVERY_REQUEST,
  IDS,
  okResponse,
  problems,
  refs,
  SECURITY,
} from './openapi-responses.js';

const requests = { batch: REQUEST_EXAMPLES.Batch };

const NDJSON_EXAMPLE = REQUEST_EXAMPLES.Batch.map((command) => `${JSON.stringify(command)}\n`).join(
  '',
);

export const BATCH = {
  '/batch': {
    post: {
      operationId: 'recordBatch',
      tags: ['Interactions'],
      summary: 'Record many interactions',
      description:
        'Decides up to 10,000 commands, in order and each on its own: one that is refused does not refuse the others. The same API key, rules and idempotency keys apply as to single commands, and each command counts for the rate limit: those above it are refused with 429 in their place.',
      parameters: refs(...IDS, 'Traceparent'),
      requestBody: {
        description:
          'A JSON array, as application/json, application/*+json or text/plain; or NDJSON, one command of at most 16 KiB on each line, as application/x-ndjson, uncompressed, whose first commands are recorded while later ones are sent. At most 4 MiB.',
        required: true,
        content: {
          ...content('Batch', requests),
          ...content('Batch', requests, 'text/plain'),
          'application/x-ndjson': {
            schema: { type: 'string', description: 'One command of a batch on each line.' },
            examples: { batch: { value: NDJSON_EXAMPLE } },
          },
        },
      },
      responses: {
        200: okResponse(
          'Every command was decided; see the status of each. Retry-After is present if some were above the rate limit.',
          content('BatchResults', { decided: RESPONSE_EXAMPLES.batch }),
          'Retry-After',
        ),
        ...problems(
          ...EVERY_REQUEST,
          'key-read-only',
          'batch-header',
          'batch-not-json',
          'batch-too-long',
          'batch-of-another-type',
          'batch-not-an-array',
        ),
      },
      security: SECURITY,
    },
  },
};

export const USERS = {
  '/users/{id}': {
    parameters: refs('UserId'),
    delete: {
      operationId: 'eraseUser',
      tags: ['Users'],
      summary: 'Forget a person',
      description:
        'Destroys the key of the user id: from then on nothing tells what that person did, and every total stays as it is. The response is the same whether the person is known or not. Repeat it after an error.',
      parameters: refs(...IDS),
      responses: {
        200: okResponse(
          'Forgotten, but for events that hold the id in plain text.',
          content('Erased', {
            erased: RESPONSE_EXAMPLES.erased,
            'not-all': RESPONSE_EXAMPLES.erasedInPart,
          }),
        ),
        ...problems(
          ...EVERY_REQUEST,
          'user-id-not-readable',
          'user-ids-not-protected',
          'not-erased',
          'key-read-only',
          'event-store-access-denied',
          'event-store-refused',
        ),
      },
      security: SECURITY,
    },
  },
};
