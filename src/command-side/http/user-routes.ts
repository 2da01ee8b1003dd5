import { Router } from 'express';
import { isUserId, type UserId } from '../../domain/ids.js';
import { requireApiKey } from '../../platform/http/api-key.js';
import { Problem } from '../../platform/http/problem.js';
import { PortError } from '../../ports/errors.js';
import type { EraseUser } from '../../ports/user-protection.js';
import { problemOfRead } from './responses.js';

/**
 * `DELETE /users/:id`: forgets a person. The response is the same whether the service knew the person
 * or not, but for what it cannot erase.
 */
export const userRoutes = (options: {
  /** Null where user ids are not protected. */
  readonly eraseUser: EraseUser | null;
  readonly apiKeys: readonly string[];
  readonly readerKeys?: readonly string[];
}): Router => {
  const { eraseUser, apiKeys, readerKeys } = options;
  const router = Router({ caseSensitive: true });

  router.delete('/users/:id', requireApiKey(apiKeys, readerKeys), async (req, res) => {
    const userId = pathUserId(req.params['id']);
    if (eraseUser === null) throw notProtected();
    const left = new AbortController();
    res.once('close', () => left.abort());
    try {
      const notErased = await eraseUser(userId, left.signal);
      res.json({ status: 'ok', message: 'The user is forgotten.', notErased });
    } catch (error) {
      if (left.signal.aborted) return;
      throw error instanceof PortError ? problemOfErasure(error) : error;
    }
  });

  return router;
};

const pathUserId = (id: unknown): UserId => {
  if (isUserId(id)) return id;
  throw new Problem(
    400,
    'The id in the path must be 1 to 128 well-formed characters, not blank, without control characters.',
  );
};

const problemOfErasure = (error: PortError): Problem =>
  error.retriable
    ? new Problem(503, 'The user may not be forgotten yet: send the request again.', {
        kind: 'not-erased',
        headers: { 'Retry-After': '2' },
        cause: error,
      })
    : problemOfRead(error);

const notProtected = (): Problem =>
  new Problem(
    501,
    'This service keeps user ids in plain text, which cannot be erased: USER_ID_PROTECTION=encrypt changes that for new events.',
    { kind: 'user-ids-not-protected' },
  );
