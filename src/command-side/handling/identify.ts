import { resultOfFailure } from '../../ports/command-result.js';
import { PortError } from '../../ports/errors.js';
import type { ProtectedUser, UserProtection } from '../../ports/user-protection.js';
import { saltedBodyHash } from '../../wire/protected-user.js';
import type { QueuedCommand } from './queued-command.js';

/** Looks up how the events of a command name its user. At once, if this process knows the user. */
export const identify = (queued: QueuedCommand, users: UserProtection): void => {
  const { command } = queued;
  if (!('userId' in command)) return;
  const known = users.known(command.userId);
  if (known !== undefined) {
    nameBy(queued, known);
    return;
  }
  queued.identifying = users.protect(command.userId).then(
    (user) => {
      nameBy(queued, user);
      queued.identifying = null;
    },
    (error: unknown) => {
      if (error instanceof PortError) queued.settle(resultOfFailure(error));
      else queued.fail(error);
      queued.identifying = null;
    },
  );
};

const nameBy = (queued: QueuedCommand, user: ProtectedUser): void => {
  queued.user = user;
  const { idempotencyKey } = queued.options;
  if (idempotencyKey === undefined) return;
  const bodyHash = saltedBodyHash(idempotencyKey.bodyHash, user);
  queued.options = { ...queued.options, idempotencyKey: { ...idempotencyKey, bodyHash } };
};

/** Resolves when all that wait now are identified or settled. Those that come meanwhile may not be. */
export const identified = async (waiting: readonly QueuedCommand[]): Promise<void> => {
  const looking = waiting.flatMap(({ identifying }) => identifying ?? []);
  if (looking.length > 0) await Promise.all(looking);
};
