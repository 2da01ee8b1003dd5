import { expect } from 'chai';
import { createKeyedQueue } from '../../../src/command-side/handling/queued-command.js';

describe('a queue by key', () => {
  it('has one turn of a key at a time, and the next for what was pushed or requested meanwhile', async () => {
    const turns: number[][] = [];
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const queue = createKeyedQueue<string, number>(async (_key, waiting) => {
      turns.push(waiting.splice(0));
      await gate;
    });
    queue.push('a', 1);
    queue.request('a');
    queue.push('a', 2);
    expect(turns).to.deep.equal([[1]]);
    expect(queue.lengthOf('a')).to.equal(1);
    release();
    await queue.idle();
    expect(turns).to.deep.equal([[1], [2]]);
  });

  it('has a turn of a key that waits for nothing where one is requested', async () => {
    const turns: number[][] = [];
    const queue = createKeyedQueue<string, number>((_key, waiting) => {
      turns.push([...waiting]);
      return Promise.resolve();
    });
    queue.request('a');
    await queue.idle();
    expect(turns).to.deep.equal([[]]);
  });
});
