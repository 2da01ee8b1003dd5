import { expect } from 'chai';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LOG_FILE } from '../../../src/embedded-eventstore/log/schema.js';
import { openDatabase } from '../../../src/embedded-eventstore/sqlite.js';
import { rawEvent, temporaryLog } from '../../support/event-log.js';
import { eventually } from '../../support/eventually.js';

const TRANSACTIONS = 120;

/** Without what is only in its write-ahead log. */
const eventsInDatabase = async (directory: string): Promise<number> => {
  const copy = join(directory, 'copy.db');
  await copyFile(join(directory, LOG_FILE), copy);
  const db = openDatabase(copy);
  try {
    return (db.prepare('SELECT count(*) AS n FROM events').get() as { readonly n: number }).n;
  } finally {
    db.close();
  }
};

describe('checkpoints of the embedded event log', () => {
  it('move what was committed into the database while the log is open', async () => {
    const temporary = await temporaryLog();
    const { log, directory } = temporary;
    for (let n = 0; n < TRANSACTIONS; n += 1) await log.append('film-1', 'any', [rawEvent()]);
    await eventually(async () => expect(await eventsInDatabase(directory)).to.be.at.least(50));
    await temporary.remove();
  });
});
