import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'chai';
import {
  type EventLog,
  type LogFilter,
  type LogRecord,
} from '../../../src/embedded-eventstore/log/event-log.js';
import { eventually } from '../../support/eventually.js';
import { follow } from '../../support/follow-items.js';
import { rawEvent, rawEvents, temporaryLog, type TemporaryLog } from '../../support/event-log.js';

/** Reads in pages, because the bytes of a page are limited too. */
const readWhole = (log: EventLog): LogRecord[] => {
  const records: LogRecord[] = [];
  for (let from = 1n; ; from = (records.at(-1)?.position ?? 0n) + 1n) {
    const page = log.readAll(from, 'forwards', 10_000);
    if (page.length === 0) return records;
    records.push(...page);
  }
};

describe('subscriptions to all of the event log', () => {
  let given: TemporaryLog;
  let log: EventLog;
  beforeEach(async () => {
    given = await temporaryLog();
    log = given.log;
  });
  afterEach(() => given.remove());

  const append = (stream: string, count: number) => log.append(stream, 'any', rawEvents(count));
  const followAll = (
    after: bigint | 'start' | 'end',
    filter?: LogFilter,
    checkpointEvery?: number,
  ) =>
    follow((signal) =>
      log.subscribeAll({
        after,
        signal,
        ...(filter === undefined ? {} : { filter }),
        ...(checkpointEvery === undefined ? {} : { checkpointEvery }),
      }),
    );
  it('deliver history, caught-up, and live events', async () => {
    await append('a', 2);
    const all = followAll('start');
    await all.until('a@0', 'a@1', 'caught-up');
    await append('b', 1);
    await all.until('a@0', 'a@1', 'caught-up', 'b@0');
    await all.stop();
  });

  it('deliver an event in the turn of the event loop in which its append resolves', async () => {
    const all = followAll('end');
    await all.until('caught-up');
    await append('a', 1);
    await nextTurn();
    expect(all.seen).to.deep.equal(['caught-up', 'a@0']);
    await all.stop();
  });

  it('start at the end of the log as it is when they are created', async () => {
    await append('a', 2);
    const all = followAll('end');
    await append('a', 1);
    await all.until('caught-up', 'a@2');
    await all.stop();
  });

  it('deliver new events where the position is beyond the log', async () => {
    await append('a', 1);
    const all = followAll(2n ** 60n);
    await all.until('caught-up');
    await append('a', 1);
    await all.until('caught-up', 'a@1');
    await all.stop();
  });

  for (const [how, filter] of [
    ['prefixes of streams', { on: 'stream', prefixes: ['b', 'c-'] }],
    ['an expression on streams', { on: 'stream', regex: /^(b|c-)/ }],
  ] as const) {
    it(`deliver only events whose ${how} match`, async () => {
      for (const stream of ['a', 'b', 'c', 'c-1', 'ab']) await append(stream, 1);
      const some = followAll('start', filter);
      await some.until('b@0', 'c-1@0', 'checkpoint', 'caught-up');
      await some.stop();
    });
  }

  it('deliver only types that match', async () => {
    await log.append('a', 'any', [rawEvent({ type: 'Wanted' }), rawEvent({ type: 'Other' })]);
    const some = followAll('start', { on: 'type', prefixes: ['Want'] });
    await some.until('a@0', 'checkpoint', 'caught-up');
    await some.stop();
  });

  it('report checkpoints after so many events, in history and live, in order', async () => {
    await append('other', 5);
    const none = followAll('start', { on: 'stream', prefixes: ['x'] }, 2);
    await none.until('checkpoint', 'checkpoint', 'checkpoint', 'caught-up');
    await append('other', 3);
    await none.until(
      'checkpoint',
      'checkpoint',
      'checkpoint',
      'caught-up',
      'checkpoint',
      'checkpoint',
    );
    await none.stop();
    const positions = log.readAll('start', 'forwards', 10).map(({ position }) => position);
    expect(none.positions).to.deep.equal([1, 3, 4, 5, 7].map((n) => positions[n]));
  });

  it('end with the error that a filter throws', async () => {
    const mistake = new Error('too slow');
    await append('a', 1);
    const regex = {
      test: () => {
        throw mistake;
      },
    };
    const all = followAll('start', { on: 'stream', regex });
    expect(await all.ended.catch((error: unknown) => error)).to.equal(mistake);
  });

  it('lose and repeat no event while writers write and the consumer falls behind', async () => {
    const all = followAll('start');
    const slow = follow(async function* (signal) {
      for await (const item of log.subscribeAll({ after: 'start', signal })) {
        if (
          item.kind === 'event' &&
          item.event.stream === 's' &&
          item.event.revision % 60n === 0n
        ) {
          // Far more than the in-memory tail holds.
          await Promise.all(Array.from({ length: 40 }, (_, n) => append(`w${n}`, 100)));
        }
        yield item;
      }
    });
    for (let n = 0; n < 120; n += 1) await append('s', 1);
    const everything = () => readWhole(log);
    const total = () => everything().length;
    const events = (seen: readonly string[]) => seen.filter((one) => one.includes('@'));
    await eventually(
      () => {
        expect(events(slow.seen)).to.have.lengthOf(total());
        expect(events(all.seen)).to.have.lengthOf(total());
      },
      { withinMs: 30_000, everyMs: 200 },
    );
    await Promise.all([all.stop(), slow.stop()]);
    const written = everything().map(({ stream, revision }) => `${stream}@${revision}`);
    expect(events(all.seen)).to.deep.equal(written);
    expect(events(slow.seen)).to.deep.equal(written);
  }).timeout(60_000);

  it('end when the log is closed', async () => {
    const all = followAll('start');
    await all.until('caught-up');
    await log.close();
    await all.ended;
  });
});
