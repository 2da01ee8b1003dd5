import { expect } from 'chai';
import { readAllPages } from '../../../src/embedded-eventstore/grpc/read.js';
import type { LogFilter } from '../../../src/embedded-eventstore/log/event-log.js';
import { rawEvents, temporaryLog, type TemporaryLog } from '../../support/event-log.js';
import { eventually } from '../../support/eventually.js';
import { follow } from '../../support/follow-items.js';

const NAMES = 6;

/** Matches nothing, takes longer than a turn for each name, and records the turn of each call. */
const costly = () => {
  let turn = 0;
  let waiting = setImmediate(function next() {
    turn += 1;
    waiting = setImmediate(next);
  });
  const turns: number[] = [];
  const test = (): boolean => {
    turns.push(turn);
    const until = performance.now() + 25;
    while (performance.now() < until);
    return false;
  };
  const filter: LogFilter = { on: 'stream', regex: { test } };
  return { filter, turns, stop: () => clearImmediate(waiting) };
};

describe('a filter that is slow for each name', () => {
  let given: TemporaryLog;
  beforeEach(async () => {
    given = await temporaryLog();
    await given.log.append('a', 'any', rawEvents(NAMES));
  });
  afterEach(() => given.remove());

  it('yields to others within a page of a read', async () => {
    const { filter, turns, stop } = costly();
    const sink = { send: () => undefined, sendEvent: () => undefined };
    const request = { kind: 'read-all', from: 'start', direction: 'forwards', filter } as const;
    const { signal } = new AbortController();
    await readAllPages(given.log, { ...request, count: 10 }, sink, signal);
    stop();
    expect(new Set(turns).size).to.equal(NAMES);
  });

  it('yields to others within a page of a subscription', async () => {
    const { filter, turns, stop } = costly();
    const all = follow((signal) => given.log.subscribeAll({ after: 'start', filter, signal }));
    await all.until('checkpoint', 'caught-up');
    await all.stop();
    stop();
    expect(new Set(turns).size).to.equal(NAMES);
  });

  it('lets others have their turn however many clients have one', async () => {
    const { filter, turns, stop } = costly();
    const all = Array.from({ length: 5 }, () =>
      follow((signal) => given.log.subscribeAll({ after: 'start', filter, signal })),
    );
    const prefixed: LogFilter = { on: 'stream', prefixes: ['a'] };
    const quick = follow((signal) =>
      given.log.subscribeAll({ after: 'start', filter: prefixed, signal }),
    );
    await eventually(() => expect(quick.seen).to.include('caught-up'), { everyMs: 0 });
    const before = turns.length;
    await Promise.all(all.map((each) => each.until('checkpoint', 'caught-up')));
    await Promise.all([...all, quick].map((each) => each.stop()));
    stop();
    expect(before, 'prefixes waited for regular expressions').to.be.below(turns.length);
    expect(turns).to.have.length(5 * NAMES);
    expect(new Set(turns).size).to.equal(5 * NAMES);
  });
});
