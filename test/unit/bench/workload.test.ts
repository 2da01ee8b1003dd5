import { expect } from 'chai';
import { interleaved, median, ratio } from '../../../bench/support/rounds.js';
import { createWorkload, type WorkloadOptions } from '../../../bench/support/workload.js';
import { isDurationSeconds, isRating } from '../../../src/domain/rules.js';

const take = (count: number, options: Partial<WorkloadOptions> = {}) => {
  const next = createWorkload({ seed: 7, popularity: 'zipf', ...options });
  return Array.from({ length: count }, next);
};

const share = (count: number, of: number) => count / of;

describe('the workload', () => {
  it('is the same for the same seed and different for another', () => {
    expect(take(1000)).to.deep.equal(take(1000));
    expect(take(1000)).to.not.deep.equal(take(1000, { seed: 8 }));
  });

  it('is 60 % clicks, 30 % views and 10 % ratings', () => {
    const interactions = take(100_000);
    const shareOf = (kind: string) =>
      share(interactions.filter((interaction) => interaction.kind === kind).length, 100_000);
    expect(shareOf('click')).to.be.closeTo(0.6, 0.01);
    expect(shareOf('view')).to.be.closeTo(0.3, 0.01);
    expect(shareOf('rating')).to.be.closeTo(0.1, 0.01);
  });

  it('gives the k-th anime a k-th of what the first gets', () => {
    const interactions = take(200_000);
    const of = (id: number) => interactions.filter(({ animeId }) => animeId === id).length;
    expect(of(1) / of(2)).to.be.closeTo(2, 0.15);
    expect(of(1) / of(10)).to.be.closeTo(10, 1.2);
    expect(new Set(interactions.map(({ animeId }) => animeId)).size).to.equal(1000);
  });

  it('is on one anime only when hot', () => {
    expect(new Set(take(1000, { popularity: 'hot' }).map(({ animeId }) => animeId))).to.deep.equal(
      new Set([1]),
    );
  });

  it('contains only valid commands', () => {
    for (const interaction of take(10_000)) {
      if (interaction.kind === 'view') {
        expect(isDurationSeconds(interaction.durationSeconds)).to.equal(true);
      }
      if (interaction.kind === 'rating') expect(isRating(interaction.rating)).to.equal(true);
    }
  });
});

describe('rounds', () => {
  it('measures every contender in every round, beginning with another one each time', async () => {
    const order: string[] = [];
    const contender = (name: string) => ({
      name,
      measure: (round: number) => {
        order.push(`${name}${round}`);
        return Promise.resolve(round);
      },
    });
    const results = await interleaved([contender('a'), contender('b')], { rounds: 3 });
    expect(order).to.deep.equal(['a0', 'b0', 'b1', 'a1', 'a2', 'b2']);
    expect(results.get('b')).to.deep.equal([0, 1, 2]);
  });

  it('has no contender always follow the same other one', async () => {
    const order: string[] = [];
    const contenders = ['a', 'b', 'c'].map((name) => ({
      name,
      measure: () => Promise.resolve(order.push(name)),
    }));
    await interleaved(contenders, { rounds: 6 });
    const before = (name: string) =>
      new Set(order.flatMap((each, at) => (each === name && at > 0 ? [order[at - 1]] : [])));
    expect(before('a')).to.include.all.keys('b', 'c');
    expect(before('b')).to.include.all.keys('a', 'c');
    expect(before('c')).to.include.all.keys('a', 'b');
  });

  it('compares within a round, so that a slow round does not matter', () => {
    expect(ratio([50, 5, 55], [100, 10, 100])).to.deep.equal({
      median: 0.5,
      lowest: 0.5,
      highest: 0.55,
    });
  });

  it('takes the middle of an even number of values', () => {
    expect(median([4, 1, 3, 2])).to.equal(2.5);
  });
});
