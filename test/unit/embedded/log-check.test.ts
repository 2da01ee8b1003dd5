import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { type EventLog, EventLogError } from '../../../src/embedded-eventstore/log/event-log.js';
import { openEventLog } from '../../../src/embedded-eventstore/log/open-event-log.js';
import { openDatabase } from '../../../src/embedded-eventstore/sqlite.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import { rawEvent, temporaryLog, type TemporaryLog } from '../../support/event-log.js';
import { rejectionOf } from '../../support/rejection-of.js';

describe('the check of an event log', () => {
  let given: TemporaryLog;
  beforeEach(async () => {
    given = await temporaryLog();
  });
  afterEach(() => given.remove());

  const append = (stream: string) => given.log.append(stream, 'no_stream', [rawEvent()]);
  const moveAway = async () => {
    const elsewhere = `${given.directory}.moved`;
    await rename(given.directory, elsewhere);
    return { back: () => rename(elsewhere, given.directory), elsewhere };
  };

  it('passes for a log that is written, and for one that rests', async () => {
    await given.log.check();
    await append('a');
    await given.log.check();
  });

  it('changes nothing that is stored', async () => {
    await append('a');
    const before = given.log.lastPosition();
    await given.log.check();
    await given.restart();
    expect(given.log.lastPosition()).to.equal(before);
  });

  it('names the file that was removed', async () => {
    await rm(given.directory, { recursive: true });
    const error = await rejectionOf(given.log.check());
    expect(error).to.be.instanceOf(EventLogError).and.include({ code: 'failed' });
    expect(error).to.have.property('message').that.includes('events.db) was removed');
    await mkdir(given.directory);
  });

  it('notices a file that was replaced by a copy', async () => {
    const path = join(given.directory, 'events.db');
    const copy = await readFile(path);
    await rm(path);
    await writeFile(path, copy);
    expect(await rejectionOf(given.log.check())).to.include({ code: 'failed' });
  });

  it('notices that the write-ahead log alone was removed', async () => {
    await append('a');
    await rm(join(given.directory, 'events.db-wal'));
    expect(await rejectionOf(given.log.check())).to.include({ code: 'failed' });
    expect(await rejectionOf(append('b'))).to.include({ code: 'failed' });
  });

  it('acknowledges no append to a file that was removed, the repeat of one included', async () => {
    const event = rawEvent();
    await given.log.append('a', 'no_stream', [event]);
    await rm(given.directory, { recursive: true });
    expect(await rejectionOf(append('b'))).to.include({ code: 'failed' });
    const repeat = given.log.append('a', 'no_stream', [event]);
    expect(await rejectionOf(repeat)).to.include({ code: 'failed' });
    await mkdir(given.directory);
  });

  it('passes again once the same file is back', async () => {
    const moved = await moveAway();
    await rejectionOf(append('a'));
    await moved.back();
    await given.log.check();
    expect(await append('a')).to.include({ kind: 'written', revision: 0n });
  });

  it('names a page that a read found damaged', async () => {
    // More than SQLite keeps in memory.
    await fill(given.log, 20_000);
    await checkpointed(given);
    const log = await given.restart();
    await damage(given, 'r+');
    expect(() => readAll(log))
      .to.throw(EventLogError, 'damaged')
      .with.property('code', 'corrupt');
    expect(await rejectionOf(log.check())).to.include({ code: 'corrupt' });
  });
});

describe('the start of an event log', () => {
  it('refuses a file with a damaged page', async () => {
    const given = await temporaryLog();
    try {
      await fill(given.log, 100);
      await given.log.close();
      await checkpointed(given);
      await damage(given, 'w');
      const opening = openEventLog({ directory: given.directory, logger: silentLogger() });
      const error = await rejectionOf(opening);
      expect(error).to.include({ code: 'corrupt' });
      expect(error).to.have.property('message').that.includes('restore a backup');
    } finally {
      await given.remove();
    }
  });
});

const fill = async (log: EventLog, bytes: number): Promise<void> => {
  for (let n = 0; n < 40; n++) {
    const events = Array.from({ length: 40 }, () => rawEvent({ data: Buffer.alloc(bytes, ' ') }));
    await log.append(`s${n}`, 'no_stream', events);
  }
};

const checkpointed = async ({ directory, log }: TemporaryLog): Promise<void> => {
  await log.close();
  const db = openDatabase(join(directory, 'events.db'));
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
};

const PAGE = 4096;

/** Every page from the fifth on holds garbage. */
const damaged = (file: Buffer): Buffer => {
  const bytes = Buffer.from(file);
  for (let at = 5 * PAGE; at < bytes.length; at += PAGE) bytes.fill(0xa5, at, at + PAGE);
  return bytes;
};

const readAll = (log: TemporaryLog['log']): void => {
  let from: bigint | 'start' = 'start';
  for (;;) {
    const page = log.readAll(from, 'forwards', 500);
    const last = page.at(-1);
    if (last === undefined) return;
    from = last.position + 1n;
  }
};

const damage = async ({ directory }: TemporaryLog, flag: 'r+' | 'w'): Promise<void> => {
  const path = join(directory, 'events.db');
  await writeFile(path, damaged(await readFile(path)), { flag });
};
