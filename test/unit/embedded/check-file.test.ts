import { join } from 'node:path';
import { expect } from 'chai';
import { checkFile } from '../../../src/embedded-eventstore/files/check-file.js';
import { openDatabase } from '../../../src/embedded-eventstore/sqlite.js';
import {
  metadataEvent,
  rawEvents,
  temporaryLog,
  type TemporaryLog,
} from '../../support/event-log.js';
import { laterEvents } from '../../support/log-copying.js';

describe('the check of an event log', () => {
  let given: TemporaryLog;
  beforeEach(async () => {
    given = await temporaryLog();
  });
  afterEach(() => given.remove());

  const check = () => checkFile(join(given.directory, 'events.db'), true);
  const metadata = (stream: string, fields: object) =>
    given.log.append(`$$${stream}`, 'any', [metadataEvent(fields)]);
  const remove = (stream: string, condition: string) => {
    const db = openDatabase(join(given.directory, 'events.db'));
    db.exec(
      `DELETE FROM events WHERE stream = (SELECT id FROM streams WHERE name = '${stream}') AND ${condition}`,
    );
    db.close();
  };

  it('finds tombstones, soft deletes and $tb sound', async () => {
    await given.log.append('ended', 'any', rawEvents(3));
    await given.log.tombstone('ended', 'any');
    await given.log.tombstone('never', 'any');
    await given.log.append('deleted', 'any', rawEvents(2));
    await given.log.softDelete('deleted', 'any');
    await given.log.append('deleted', 'any', rawEvents(1));
    await given.log.append('truncated', 'any', rawEvents(5));
    await metadata('truncated', { $tb: 3 });
    expect(check().problems).to.deep.equal([]);
  });

  it('names a tombstoned stream that lacks an event', async () => {
    await given.log.append('ended', 'any', rawEvents(3));
    await given.log.tombstone('ended', 'any');
    remove('ended', 'revision = 1');
    expect(check().problems).to.deep.equal([
      'Stream ended has holes: 2 events from revision 0 to 2.',
    ]);
  });

  it('asks for nothing that $tb hides, and for all that it does not', async () => {
    await given.log.append('truncated', 'any', rawEvents(6));
    await metadata('truncated', { $tb: 3 });
    remove('truncated', 'revision = 1');
    expect(check().problems).to.deep.equal([]);
    remove('truncated', 'revision = 4');
    expect(check().problems).to.deep.equal([
      'Stream truncated has holes: 4 events from revision 0 to 5.',
    ]);
  });

  it('takes a copy of a scavenged stream as it was', async () => {
    await metadata('scavenged', { $maxCount: 2 });
    await given.log.copy(laterEvents('scavenged', 4, 2));
    await given.log.copy(laterEvents('scavenged', 9, 2));
    expect(check().problems).to.deep.equal([]);
  });
});
