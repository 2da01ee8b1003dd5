import { RESPONSE_EXAMPLES } from './openapi-examples.js';
import {
  content,
  EVERY_REQUEST,
  IDS,
  okResponse,
  problems,
  refs,
  SECURITY,
} from './openapi-responses.js';

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
