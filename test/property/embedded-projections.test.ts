import { expect } from 'chai';
import fc from 'fast-check';
import { textOf } from '../support/event-log.js';
import {
  temporaryProjections,
  type TemporaryProjections,
} from '../support/embedded-projections.js';

const SUMS = `fromCategory('film').foreachStream().when({ $init: () => ({ n: 0, sum: 0 }),
  Rated: (s, e) => ({ n: s.n + 1, sum: s.sum + e.data.stars }), $deleted: () => undefined })`;
const BY_USER = `fromCategory('film').partitionBy((e) => e.data.by).when({ $init: () => ({ of: [] }),
  Rated: (s, e) => { s.of.push(e.data.stars); return s; } })`;
const EMITS = `fromCategory('film').when({ $init: () => ({ n: 0 }), Rated: (s, e) => {
  s.n += 1; emit('by-' + e.data.by, 'Star', { n: s.n, stars: e.data.stars }); return s; } })`;
const NAMES = ['sums', 'users', 'emits'] as const;

interface Rating {
  readonly stream: string;
  readonly by: string;
  readonly stars: number;
}

type Step =
  | { readonly kind: 'append'; readonly ratings: readonly Rating[] }
  | {
      readonly kind: 'disable' | 'abort' | 'enable' | 'reset';
      readonly name: (typeof NAMES)[number];
    }
  | { readonly kind: 'restart' | 'settle' };

const rating = fc.record({
  stream: fc.constantFrom('film-1', 'film-2', 'film-3'),
  by: fc.constantFrom('ann', 'bob', 'ü ~'),
  stars: fc.integer({ min: 1, max: 5 }),
});
const append = fc.record({
  kind: fc.constant('append' as const),
  ratings: fc.array(rating, { minLength: 1, maxLength: 30 }),
});
const change = fc.record({
  kind: fc.constantFrom('disable' as const, 'abort' as const, 'enable' as const, 'reset' as const),
  name: fc.constantFrom(...NAMES),
});
const pause = fc.record({ kind: fc.constantFrom('restart' as const, 'settle' as const) });
const history = fc.array(fc.oneof(append, append, change, pause), { minLength: 3, maxLength: 12 });

const take = async (given: TemporaryProjections, step: Step): Promise<void> => {
  switch (step.kind) {
    case 'append':
      for (const { stream, ...data } of step.ratings) await given.append(stream, ['Rated', data]);
      return;
    case 'disable':
    case 'abort':
      await given.engine().disable(step.name, step.kind === 'disable');
      return;
    case 'enable':
    case 'reset':
      await given.engine()[step.kind](step.name);
      return;
    case 'restart':
      await given.restart();
      return;
    case 'settle':
      await given.caughtUp();
      return;
  }
};

/** The same in plain JavaScript, over all ratings in the order of the log. */
const expectFold = async (
  given: TemporaryProjections,
  ratings: readonly Rating[],
): Promise<void> => {
  for (const stream of ['film-1', 'film-2', 'film-3']) {
    const stars = ratings.filter((one) => one.stream === stream).map((one) => one.stars);
    const sum = stars.reduce((all, one) => all + one, 0);
    const expected = stars.length === 0 ? undefined : { n: stars.length, sum };
    expect(await given.state('sums', stream)).to.deep.equal(expected);
  }
  for (const by of ['ann', 'bob', 'ü ~']) {
    const of = ratings.filter((one) => one.by === by).map((one) => one.stars);
    expect(await given.state('users', by)).to.deep.equal(of.length === 0 ? undefined : { of });
    const emitted = ratings.flatMap((one, n) =>
      one.by === by ? [JSON.stringify({ n: n + 1, stars: one.stars })] : [],
    );
    const page = given.log().readStream(`by-${by}`, 'start', 'forwards', 1000);
    expect(page.kind === 'events' ? page.events.map(textOf) : []).to.deep.equal(emitted);
  }
};

describe('projections of the embedded event store, whatever happens to them', function () {
  this.timeout(280_000);

  it('have the states of a fold in plain JavaScript, and each effect once', async () => {
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const given = await temporaryProjections();
        try {
          await given.create('sums', SUMS);
          await given.create('users', BY_USER);
          await given.create('emits', EMITS);
          for (const step of steps) await take(given, step);
          for (const name of NAMES) await given.engine().enable(name);
          await given.caughtUp();
          const ratings = steps.flatMap((step) => (step.kind === 'append' ? step.ratings : []));
          await expectFold(given, ratings);
        } finally {
          await given.remove();
        }
      }),
      { numRuns: 12 },
    );
  });
});
