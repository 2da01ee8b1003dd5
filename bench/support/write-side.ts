import { randomUUID } from 'node:crypto';
import { createEmbeddedEventStore } from '../../src/adapters/embedded/event-store.js';
import { openEventLog } from '../../src/embedded-eventstore/log/open-event-log.js';
import { createCommandHandler } from '../../src/command-side/handling/handler.js';
import type { AnimeCommand } from '../../src/domain/commands.js';
import { isAnimeId, isUserId } from '../../src/domain/ids.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { createMetrics } from '../../src/platform/observability/metrics.js';

/** The command handler over the embedded store, in this process: no HTTP and no read models. */
export const openWriteSide = async (directory: string) => {
  const logger = silentLogger();
  const store = createEmbeddedEventStore(await openEventLog({ directory, logger }));
  const metrics = createMetrics({ processMetrics: false });
  const handler = createCommandHandler({ store, logger, metrics, newId: randomUUID });
  return {
    store,
    send: async (command: AnimeCommand): Promise<void> => {
      const { kind } = await handler.handle(command, { correlationId: 'bench' });
      if (kind !== 'accepted') throw new Error(`A command was answered ${kind}.`);
    },
    close: async () => {
      await handler.drain();
      await store.close();
    },
  };
};

export type WriteSide = Awaited<ReturnType<typeof openWriteSide>>;

export const clickOn = (animeId: number, user: number): AnimeCommand => {
  const userId = `user-${user}`;
  if (!isAnimeId(animeId) || !isUserId(userId)) throw new Error('Invalid ids.');
  return { type: 'RegisterClick', animeId, userId, at: new Date().toISOString() };
};

export const listing = (animeId: number): AnimeCommand => {
  if (!isAnimeId(animeId)) throw new Error('An invalid id.');
  const details = { title: `Anime ${animeId}` };
  return { type: 'ListAnime', animeId, details, at: new Date().toISOString() };
};
