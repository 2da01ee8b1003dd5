import { expect } from 'chai';
import fc from 'fast-check';
import { createPaced } from '../../../src/query-side/subscriptions/live-anime.js';

const EVERY_MS = 20;

describe('the messages of a subscription', () => {
  /** Sends the latest of the values that were given. */
  const given = () => {
    let waiting: number | undefined;
    let closings = 0;
    const messages = createPaced<number>({
      everyMs: EVERY_MS,
      take: () => {
        const value = waiting;
        waiting = undefined;
        return value;
      },
      onClosed: () => (closings += 1),
    });
    const put = (value: number): void => {
      waiting = value;
      messages.wake();
    };
    return { messages, put, closings: () => closings };
  };

  it('keep their distance, hold the latest value, and lose no last one', async () => {
    const pauses = fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(pauses, async (waits) => {
        const { messages, put } = given();
        const sent: { readonly value: number; readonly at: number }[] = [];
        const consume = (async () => {
          for await (const value of messages) sent.push({ value, at: performance.now() });
        })();
        for (const [value, ms] of waits.entries()) {
          put(value);
          await new Promise((resolve) => setTimeout(resolve, ms));
        }
        while (sent.at(-1)?.value !== waits.length - 1) {
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
        await messages.return();
        await consume;
        const values = sent.map(({ value }) => value);
        expect(values).to.deep.equal([...new Set(values)].sort((a, b) => a - b));
        for (const [index, { at }] of sent.entries()) {
          const before = sent[index - 1]?.at ?? -Infinity;
          // Timers and clocks may differ by a millisecond.
          expect(at - before).to.be.at.least(EVERY_MS - 2);
        }
      }),
      { numRuns: 25 },
    );
  }).timeout(20_000);

  it('end while they wait, and close once', async () => {
    const { messages, closings } = given();
    const waiting = messages.next();
    await messages.return();
    await messages.return();
    expect(await waiting).to.deep.equal({ done: true, value: undefined });
    expect(closings()).to.equal(1);
  });

  it('end after a last one, without the distance', async () => {
    const { messages, put, closings } = given();
    put(1);
    expect(await messages.next()).to.deep.equal({ done: false, value: 1 });
    messages.finish(2);
    expect(await messages.next()).to.deep.equal({ done: false, value: 2 });
    expect(await messages.next()).to.deep.equal({ done: true, value: undefined });
    expect(closings()).to.equal(1);
  });
});
