import { expect } from 'chai';
import {
  TOMBSTONE_REVISION,
  type EventLog,
  type LogFilter,
  type LogRecord,
  type SubscriptionItem,
} from '../../../src/adapters/embedded/event-log.js';
import { eventually } from '../../support/eventually.js';
import {
  metadataEvent,
  rawEvent,
  rawEvents,
  temporaryLog,
  type TemporaryLog,
} from '../../support/event-log.js';

/** Takes items as they come, written short: `s@3`, `checkpoint`, `caught-up`, `deleted`. */
const follow = (items: (signal: AbortSignal) => AsyncIterable<SubscriptionItem>) => {
  const stopping = new AbortController();
  const seen: string[] = [];
  const positions: bigint[] = [];
  const ended = (async () => {
    for await (const item of items(stopping.signal)) {
      seen.push(item.kind === 'event' ? `${item.event.stream}@${item.event.revision}` : item.kind);
      if (item.kind === 'checkpoint') positions.push(item.position);
    }
  })();
  ended.catch(() => undefined);
  return {
    seen,
    positions,
    ended,
    until: (...expected: string[]) => eventually(() => expect(seen).to.deep.equal(expected)),
    stop: () => {
      stopping.abort();
      return ended;
    },
  };
};

/** In pages, because a page is bounded by its bytes as well. */
const readWhole = (log: EventLog): LogRecord[] => {
  const records: LogRecord[] = [];
  for (let from = 1n; ; from = (records.at(-1)?.position ?? 0n) + 1n) {
    const page = log.readAll(from, 'forwards', 10_000);
    if (page.length === 0) return records;
    records.push(...page);
  }
};

describe('subscriptions to the event log', () => {
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
  const followStream = (stream: string, after: bigint | 'start' | 'end') =>
    follow((signal) => log.subscribeStream({ stream, after, signal }));

  describe('to all', () => {
    it('deliver history, say that it is done, and go on live', async () => {
      await append('a', 2);
      const all = followAll('start');
      await all.until('a@0', 'a@1', 'caught-up');
      await append('b', 1);
      await all.until('a@0', 'a@1', 'caught-up', 'b@0');
      await all.stop();
    });

    it('deliver an event before the caller of its append goes on', async () => {
      const all = followAll('end');
      await all.until('caught-up');
      await append('a', 1);
      await Promise.resolve();
      expect(all.seen).to.deep.equal(['caught-up', 'a@0']);
      await all.stop();
    });

    it('begin at the end where the log is when they are asked for', async () => {
      await append('a', 2);
      const all = followAll('end');
      await append('a', 1);
      await all.until('caught-up', 'a@2');
      await all.stop();
    });

    it('wait where the position is beyond the log', async () => {
      await append('a', 1);
      const all = followAll(2n ** 60n);
      await all.until('caught-up');
      await append('a', 1);
      await all.stop();
      expect(all.seen).to.deep.equal(['caught-up']);
    });

    for (const [how, filter] of [
      ['prefixes of streams', { on: 'stream', prefixes: ['b', 'c-'] }],
      ['an expression on streams', { on: 'stream', regex: /^(b|c-)/ }],
    ] as const) {
      it(`deliver only what ${how} match`, async () => {
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

    it('say how far they are after so many events, in history and live, in order', async () => {
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

    it('end with what a filter throws', async () => {
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

    it('lose and repeat nothing while writers write and the consumer falls behind', async () => {
      const all = followAll('start');
      const slow = follow(async function* (signal) {
        for await (const item of log.subscribeAll({ after: 'start', signal })) {
          if (
            item.kind === 'event' &&
            item.event.stream === 's' &&
            item.event.revision % 60n === 0n
          ) {
            // Far more than what is kept in memory.
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

  describe('to a stream', () => {
    it('deliver after a revision, say that history is done, and go on live', async () => {
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

    it('go on through a soft deletion', async () => {
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

    it('end at once where the stream is ended already', async () => {
      await log.tombstone('s', 'any');
      const one = followStream('s', 'start');
      await one.ended;
      expect(one.seen).to.deep.equal(['deleted']);
    });
  });
});
