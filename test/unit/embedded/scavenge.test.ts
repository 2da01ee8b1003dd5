import { join } from 'node:path';
import { expect } from 'chai';
import type { EventLog } from '../../../src/embedded-eventstore/log/event-log.js';
import { openDatabase } from '../../../src/embedded-eventstore/sqlite.js';
import { silentLogger, type Logger } from '../../../src/platform/observability/logger.js';
import { eventually } from '../../support/eventually.js';
import { metadataEvent, rawEvents, revisionsOf, temporaryLog } from '../../support/event-log.js';

const MINUTE = 60_000;

/** A log that is scavenged continuously, with a clock that only the test moves. */
const givenLog = async () => {
  let now = 1_000_000;
  const given = await temporaryLog({
    scavenge: { everyMs: 5, minAgeMs: MINUTE },
    now: () => now,
  });
  return { ...given, log: given.log, pass: (ms: number) => (now += ms) };
};

/** The reasons in its warnings. */
const listeningLogger = () => {
  const reasons: unknown[] = [];
  const logger: Logger = {
    ...silentLogger(),
    warn: (_, data) => void reasons.push(data?.['reason']),
  };
  return { logger, reasons };
};

const keepLast = (log: EventLog, stream: string, maxCount: number) =>
  log.append(`$$${stream}`, 'any', [metadataEvent({ $maxCount: maxCount })]);

const inAll = (log: EventLog, stream: string): bigint[] =>
  log
    .readAll('start', 'forwards', 1000)
    .flatMap((event) => (event.stream === stream ? [event.revision] : []));

describe('scavenging', () => {
  it('deletes what $maxCount hides once it is a minute old', async () => {
    const { log, pass, remove } = await givenLog();
    await keepLast(log, 's', 2);
    await log.append('s', 'no_stream', rawEvents(5));
    pass(MINUTE + 1);
    await eventually(() => expect(inAll(log, 's')).to.deep.equal([3n, 4n]));
    expect(revisionsOf(log.readStream('s', 'start', 'forwards', 9))).to.deep.equal([3n, 4n]);
    expect(await log.append('s', 4n, rawEvents(1))).to.include({ revision: 5n });
    await remove();
  });

  it('keeps younger events, and streams without $maxCount', async () => {
    const { log, pass, remove } = await givenLog();
    await keepLast(log, 's', 1);
    const old = rawEvents(2);
    await log.append('s', 'no_stream', old);
    await log.append('free', 'no_stream', rawEvents(3));
    pass(MINUTE + 1);
    const young = rawEvents(2);
    await log.append('s', 1n, young);
    await eventually(() => expect(inAll(log, 's')).to.deep.equal([2n, 3n]));
    expect(inAll(log, 'free')).to.deep.equal([0n, 1n, 2n]);
    expect(await log.append('s', 1n, young)).to.include({ kind: 'written', revision: 3n });
    expect(await log.append('s', 'no_stream', old)).to.include({ kind: 'wrong-revision' });
    await remove();
  });

  it('respects a $maxCount that is removed', async () => {
    const { log, pass, remove } = await givenLog();
    await keepLast(log, 's', 1);
    await keepLast(log, 'mark', 1);
    await log.append('$$s', 'any', [metadataEvent({})]);
    await log.append('s', 'no_stream', rawEvents(3));
    await log.append('mark', 'no_stream', rawEvents(3));
    pass(MINUTE + 1);
    await eventually(() => expect(inAll(log, 'mark')).to.deep.equal([2n]));
    expect(inAll(log, 's')).to.deep.equal([0n, 1n, 2n]);
    await remove();
  });

  it('keeps only the last of the metadata', async () => {
    const { log, pass, remove } = await givenLog();
    for (const count of [5, 4, 3]) await keepLast(log, 's', count);
    pass(MINUTE + 1);
    await eventually(() => expect(inAll(log, '$$s')).to.deep.equal([2n]));
    await remove();
  });

  it('processes more streams than fit a slice, during appends', async () => {
    const { log, pass, directory, remove } = await givenLog();
    const streams = Array.from({ length: 170 }, (_, n) => `s${n}`);
    await Promise.all(
      streams.flatMap((stream) => [
        keepLast(log, stream, 1),
        log.append(stream, 'no_stream', rawEvents(4)),
      ]),
    );
    pass(MINUTE + 1);
    const writing = (async () => {
      for (let n = 0; n < 100; n += 1) await log.append('live', 'any', rawEvents(1));
    })();
    const db = openDatabase(join(directory, 'events.db'));
    const rows = db.prepare("SELECT count(*) AS n FROM events WHERE type = 'Tested'");
    await writing;
    await eventually(() => expect(rows.get()).to.deep.include({ n: 170 + 100 }));
    db.close();
    expect(inAll(log, 'live')).to.have.lengthOf(100);
    await remove();
  });

  it('reports a failure, while appends continue', async () => {
    const { logger, reasons } = listeningLogger();
    const given = await temporaryLog({ logger, scavenge: { everyMs: 5, minAgeMs: MINUTE } });
    const db = openDatabase(join(given.directory, 'events.db'));
    db.exec('ALTER TABLE retention RENAME TO elsewhere');
    await eventually(() => expect(reasons).to.include('no such table: retention'));
    expect(await given.log.append('s', 'no_stream', rawEvents(1))).to.include({ revision: 0n });
    db.close();
    await given.remove();
  });
});
