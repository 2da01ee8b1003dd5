import { randomUUID } from 'node:crypto';
import { openEventLog } from '../../src/embedded-eventstore/log/open-event-log.js';
import type { AnimeCommand } from '../../src/domain/commands.js';
import { type AnimeId, streamOf } from '../../src/domain/ids.js';
import type { CommandOptions } from '../../src/ports/command-result.js';
import { createCommandHandler } from '../../src/command-side/handling/handler.js';
import type { CommandLimits } from '../../src/command-side/handling/queued-command.js';
import type { EventStore, RecordedEvent } from '../../src/ports/event-store.js';
import type { UserProtection } from '../../src/ports/user-protection.js';
import { silentLogger, type Logger } from '../../src/platform/observability/logger.js';
import { createMetrics } from '../../src/platform/observability/metrics.js';
import { animeId, commands } from './examples.js';
import { faultyEventStore } from './faulty-event-store.js';
import { temporaryDirectory } from './temporary-directory.js';
import { deletableEventStore } from './stream-deletion.js';

/** An embedded event store in a fresh directory. */
export const openStore = async () => {
  const directory = await temporaryDirectory();
  const logger = silentLogger();
  const store = deletableEventStore(await openEventLog({ directory: directory.path, logger }));
  return { store, close: () => store.close().then(directory.remove) };
};

let lastAnime = 0;

/** The canonical commands, for an anime that no other test has. */
export const freshAnime = () => {
  lastAnime += 1;
  const id = animeId(lastAnime);
  const of = <Command extends AnimeCommand>(command: Command): Command => ({
    ...command,
    animeId: id,
  });
  return {
    id,
    stream: streamOf(id),
    list: of(commands.list),
    delist: of(commands.delist),
    click: of(commands.click),
    view: of(commands.view),
    rating: of(commands.rating),
  };
};

/** A handler as one process has it, over a store whose faults the test chooses. */
export const handlerOver = (
  store: EventStore,
  limits: Partial<CommandLimits> = {},
  logger: Logger = silentLogger(),
  users: UserProtection | null = null,
) => {
  const faulty = faultyEventStore(store);
  const metrics = createMetrics({ processMetrics: false });
  const handler = createCommandHandler({
    store: faulty.store,
    logger,
    metrics,
    newId: randomUUID,
    users,
    limits: { deadlineMs: 8000, ...limits },
  });
  return {
    ...faulty,
    handler,
    metrics,
    drain: () => handler.drain(),
    refused: () => handler.refused(),
    send: (command: AnimeCommand, options: Partial<CommandOptions> = {}) =>
      handler.handle(command, { correlationId: 'test', ...options }),
  };
};

export const streamOfAnime = async (store: EventStore, id: AnimeId): Promise<RecordedEvent[]> => {
  const events: RecordedEvent[] = [];
  for await (const event of store.read(streamOf(id))) events.push(event);
  return events;
};

export const typesOf = (events: readonly RecordedEvent[]): string[] =>
  events.map(({ type }) => type);

export const parsed = (bytes: Uint8Array): unknown =>
  JSON.parse(Buffer.from(bytes).toString('utf8'));

export const withKey = (key: string, bodyHash = 'body', caller = 'anonymous') => ({
  idempotencyKey: { caller, key, bodyHash },
});
