import { randomUUID } from 'node:crypto';
import { createCommandHandler, type CommandHandler } from '../command-side/handler.js';
import type { EventStore } from '../ports/event-store.js';
import type { Needs } from './needs.js';

/** The write side over an event store, drained when the service stops. */
export const openCommandHandler = (
  needs: Omit<Needs, 'health'>,
  store: EventStore,
): Promise<CommandHandler> => {
  const { config, logger, life, metrics } = needs;
  const { appendTimeoutMs } = config.eventStore;
  return life.open(
    'command handler',
    () =>
      createCommandHandler({
        ...{ store, logger, metrics, newId: randomUUID },
        limits: { ...config.commands, appendTimeoutMs },
      }),
    (handler) => handler.drain(),
  );
};
