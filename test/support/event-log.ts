import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type {
  LogRecord,
  RawEvent,
  StreamPage,
} from '../../src/embedded-eventstore/log/event-log.js';
import {
  openEventLog,
  type EventLogOptions,
} from '../../src/embedded-eventstore/log/open-event-log.js';
import type { ProjectedLog } from '../../src/embedded-eventstore/log/projection-store.js';
import { openDatabase } from '../../src/embedded-eventstore/sqlite.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { temporaryDirectory } from './temporary-directory.js';

/** A log of its own for one test, and the ways to open it again and to be rid of it. */
export const temporaryLog = async (options: Partial<EventLogOptions> = {}) => {
  const directory = await temporaryDirectory();
  const open = () =>
    openEventLog({ directory: directory.path, logger: silentLogger(), ...options });
  let log = await open();
  return {
    directory: directory.path,
    get log(): ProjectedLog {
      return log;
    },
    restart: async (): Promise<ProjectedLog> => {
      await log.close();
      return (log = await open());
    },
    remove: async (): Promise<void> => {
      await log.close();
      await directory.remove();
    },
  };
};

export type TemporaryLog = Awaited<ReturnType<typeof temporaryLog>>;

export const rawEvent = (fields: Partial<RawEvent> = {}): RawEvent => ({
  id: randomUUID(),
  type: 'Tested',
  data: Buffer.from('{}'),
  metadata: Buffer.from('{}'),
  isJson: true,
  ...fields,
});

export const rawEvents = (count: number): RawEvent[] =>
  Array.from({ length: count }, (_, n) => rawEvent({ data: Buffer.from(`{"n":${n}}`) }));

export const metadataEvent = (metadata: unknown): RawEvent =>
  rawEvent({ type: '$metadata', data: Buffer.from(JSON.stringify(metadata)) });

export const textOf = ({ data }: Pick<LogRecord, 'data'>): string =>
  Buffer.from(data).toString('utf8');

export const revisionsOf = (page: StreamPage): bigint[] | string =>
  page.kind === 'events' ? page.events.map(({ revision }) => revision) : page.kind;

/**
 * Makes every transaction with an event of this type fail in the database itself, through another
 * connection, as a broken disk would.
 */
export const refuseType = (directory: string, type: string): (() => void) => {
  const db = openDatabase(join(directory, 'events.db'));
  db.exec(`CREATE TRIGGER refused BEFORE INSERT ON events WHEN NEW.type = '${type}'
    BEGIN SELECT RAISE(ABORT, 'refused by a test'); END`);
  return () => {
    db.exec('DROP TRIGGER refused');
    db.close();
  };
};
