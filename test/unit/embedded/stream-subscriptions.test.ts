import { expect } from 'chai';
import {
  TOMBSTONE_REVISION,
  type EventLog,
} from '../../../src/embedded-eventstore/log/event-log.js';
import { follow } from '../../support/follow-items.js';
import {
  metadataEvent,
  rawEvents,
  temporaryLog,
  type TemporaryLog,
} from '../../support/event-log.js';

describe('subscriptions to a stream of the event log', () => {
  let given: TemporaryLog;
  let log: EventLog;
  let now: number;
  beforeEach(async () => {
    now = 1_000_000;
    given = await temporaryLog({ now: () => now });
    log = given.log;
  });
  afterEach(() => given.remove());

  const append = (stream: string, count: number) => log.append(stream, 'any', rawEvents(count));
  const followStream = (stream: string, after: bigint | 'start' | 'end') =>
    follow((signal) => log.subscribeStream({ stream, after, signal }));

  it('deliver history after a revision, caught-up, and live events', async () => {
    await append('s', 3);
    const one = followStream('s', 0n);
    await one.until('s@1', 's@2', 'caught-up');
    await append('other', 1);
    await append('s', 1);
    await one.until('s@1', 's@2', 'caught-up', 's@3');
    await one.stop();
  });

  it('wait for a stream that does not exist yet', async () => {
    const one = followStream('s', 'start');
    await one.until('caught-up');
    await append('s', 1);
    await one.until('caught-up', 's@0');
    await one.stop();
  });

  it('deliver from history only what the metadata of the stream shows', async () => {
    await append('s', 5);
    await log.append('$$s', 'any', [metadataEvent({ $maxCount: 2 })]);
    const one = followStream('s', 'start');
    await one.until('s@3', 's@4', 'caught-up');
    await one.stop();
  });

  it('omit events expired by $maxAge, in history and live', async () => {
    await log.append('$$s', 'any', [metadataEvent({ $maxAge: 60 })]);
    await append('s', 2);
    now += 61_000;
    await append('s', 1);
    const one = followStream('s', 'start');
    await one.until('s@2', 'caught-up');
    await append('s', 1);
    await one.until('s@2', 'caught-up', 's@3');
    await one.stop();
    now += 61_000;
    const late = followStream('s', 0n);
    await late.until('caught-up');
    await append('s', 1);
    await late.until('caught-up', 's@4');
    await late.stop();
  });

  it('continue through a soft deletion', async () => {
    await append('s', 2);
    const one = followStream('s', 'end');
    await one.until('caught-up');
    await log.softDelete('s', 'any');
    await append('s', 1);
    await one.until('caught-up', 's@2');
    await one.stop();
  });

  it('end with the event that ends the stream', async () => {
    await append('s', 1);
    const one = followStream('s', 'start');
    await one.until('s@0', 'caught-up');
    await log.tombstone('s', 'any');
    await one.ended;
    expect(one.seen).to.deep.equal(['s@0', 'caught-up', `s@${TOMBSTONE_REVISION}`, 'deleted']);
  });

  it('end at once where the stream is tombstoned already', async () => {
    await log.tombstone('s', 'any');
    const one = followStream('s', 'start');
    await one.ended;
    expect(one.seen).to.deep.equal(['deleted']);
  });
});
