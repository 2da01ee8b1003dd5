import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import type {
  AppendOutcome,
  EventLog,
  Expected,
} from '../../../src/embedded-eventstore/log/event-log.js';
import { rawEvent, temporaryLog } from '../../support/event-log.js';

const STREAMS = ['a', 'b'];
/** Few values, so that repeats and collisions are frequent. */
const IDS = Array.from({ length: 8 }, () => randomUUID());

interface Append {
  readonly stream: string;
  /** A number is relative to the current revision, so that near misses are frequent. */
  readonly expected: 'any' | 'stream_exists' | 'no_stream' | number;
  readonly ids: readonly string[];
}

type Answer = bigint | { readonly wrong: bigint | 'no_stream' };

/** The simplest model of streams and of the outcome of appends. */
const createModel = () => {
  const streams = new Map<string, string[]>(STREAMS.map((name) => [name, []]));
  const remembered = new Map<string, { readonly stream: string; readonly revision: number }>();
  const contents = (stream: string): string[] => streams.get(stream) ?? [];

  const write = (stream: string, ids: readonly string[]): bigint => {
    const events = contents(stream);
    for (const id of ids) remembered.set(id, { stream, revision: events.push(id) - 1 });
    return BigInt(events.length - 1);
  };

  const append = (stream: string, expected: Expected, ids: readonly string[]): Answer => {
    const events = contents(stream);
    const wrong = { wrong: events.length === 0 ? 'no_stream' : BigInt(events.length - 1) } as const;
    if (expected === 'any' || expected === 'stream_exists') {
      if (expected === 'stream_exists' && events.length === 0) return wrong;
      const places = ids.map((id) => remembered.get(id)).filter((one) => one?.stream === stream);
      if (remembered.get(ids[0] ?? '')?.stream !== stream) return write(stream, ids);
      return places.length < ids.length ? wrong : BigInt(places.at(-1)?.revision ?? -1);
    }
    const next = expected === 'no_stream' ? 0 : Number(expected) + 1;
    if (next === events.length) return write(stream, ids);
    const there = events.slice(next, next + ids.length);
    const same = there.length === ids.length && there.every((id, n) => id === ids[n]);
    return same ? BigInt(next + ids.length - 1) : wrong;
  };

  const expectedOf = ({ stream, expected }: Append): Expected =>
    typeof expected === 'number'
      ? BigInt(Math.max(0, contents(stream).length - 1 + expected))
      : expected;

  return { contents, append, expectedOf, forgetIds: () => remembered.clear() };
};

const appends: fc.Arbitrary<Append> = fc.record({
  stream: fc.constantFrom(...STREAMS),
  expected: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: -3, max: 1 }) },
    {
      weight: 3,
      arbitrary: fc.constantFrom('any' as const, 'stream_exists' as const, 'no_stream' as const),
    },
  ),
  ids: fc.array(fc.constantFrom(...IDS), { minLength: 1, maxLength: 3 }),
});

/** Appends of one burst are called without waiting for each other. */
const histories = fc.array(
  fc.record({
    burst: fc.array(appends, { minLength: 1, maxLength: 8 }),
    restart: fc.nat(9).map((n) => n < 2),
  }),
  { minLength: 1, maxLength: 6 },
);

const answerOf = (outcome: AppendOutcome): Answer => {
  switch (outcome.kind) {
    case 'written':
      return outcome.revision;
    case 'wrong-revision':
      return { wrong: outcome.actual };
    case 'deleted':
    case 'too-large':
      return expect.fail(`answered ${outcome.kind}`);
  }
};

/** Each run uses its own streams in one log. */
const named = (run: number, stream: string): string => `${stream}-${run}`;

const expectSame = (log: EventLog, run: number, model: ReturnType<typeof createModel>): void => {
  for (const stream of STREAMS) {
    const page = log.readStream(named(run, stream), 'start', 'forwards', 1000);
    const events = page.kind === 'events' ? page.events : [];
    expect(events.map(({ id }) => id)).to.deep.equal(model.contents(stream));
    expect(events.map(({ revision }) => revision)).to.deep.equal(events.map((_, n) => BigInt(n)));
  }
};

const expectWholeLog = (log: EventLog, appended: number): void => {
  const positions = log.readAll('start', 'forwards', 100_000).map(({ position }) => position);
  expect(positions).to.have.lengthOf(appended);
  expect(positions).to.deep.equal([...new Set(positions)].sort((a, b) => (a < b ? -1 : 1)));
};

describe('event log', () => {
  it('behaves as its model for any history of appends, conflicts, repeats and restarts', async () => {
    const given = await temporaryLog();
    let runs = 0;
    let appended = 0;
    const property = fc.asyncProperty(histories, async (history) => {
      const run = runs++;
      const model = createModel();
      for (const { burst, restart } of history) {
        const expected: Answer[] = [];
        const outcomes = burst.map((one) => {
          const revision = model.expectedOf(one);
          expected.push(model.append(one.stream, revision, one.ids));
          const events = one.ids.map((id) => rawEvent({ id }));
          return given.log.append(named(run, one.stream), revision, events);
        });
        expect((await Promise.all(outcomes)).map(answerOf)).to.deep.equal(expected);
        if (restart) {
          await given.restart();
          model.forgetIds();
        }
        expectSame(given.log, run, model);
      }
      appended += STREAMS.reduce((sum, stream) => sum + model.contents(stream).length, 0);
    });
    await fc.assert(property, { numRuns: 60, endOnFailure: true });
    expectWholeLog(given.log, appended);
    await given.remove();
  }).timeout(120_000);
});
