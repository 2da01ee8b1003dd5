import { randomUUID } from 'node:crypto';
import { createCommandHandler, type CommandHandler } from '../command-side/handling/handler.js';
import type { EventStore } from '../ports/event-store.js';
import type { Needs } from './needs.js';

/** The write side over an event store, drained when the service stops. */
export const openCommandHandler = async (
  needs: Omit<Needs, 'health'> & Partial<Pick<Needs, 'health'>>,
  store: EventStore,
): Promise<CommandHandler> => {
  const { config, logger, life, metrics, health } = needs;
  const { appendTimeoutMs } = config.eventStore;
  const handler = await life.open(
    'command handler',
    () =>
      createCommandHandler({
        ...{ store, logger, metrics, newId: randomUUID },
        limits: { ...config.commands, appendTimeoutMs },
      }),
    (opened) => opened.drain(),
  );
  health?.watch('commands-refused', () =>
    handler.refused().map(({ stream, detail, remedy }) => ({ stream, detail, remedy })),
  );
  return handler;
};
