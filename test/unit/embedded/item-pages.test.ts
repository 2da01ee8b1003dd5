import { expect } from 'chai';
import { itemsOf } from '../../../src/embedded-eventstore/log/item-pages.js';
import { collect } from '../../../src/platform/async/pages.js';
import { rejectionOf } from '../../support/rejection-of.js';

/** Records how many pages were asked for, and whether the source was released. */
const source = (pages: readonly (readonly string[])[], failure?: Error) => {
  const seen = { asked: 0, released: false };
  const generate = async function* () {
    try {
      for (const page of pages) {
        seen.asked += 1;
        yield await Promise.resolve(page);
      }
      if (failure !== undefined) throw failure;
    } finally {
      seen.released = true;
    }
  };
  return { seen, items: (isOver = () => false) => itemsOf(generate(), isOver) };
};

describe('the items of pages', () => {
  it('come one by one, in order, without empty pages', async () => {
    const { items, seen } = source([['a', 'b'], [], ['c'], []]);
    expect(await collect(items())).to.deep.equal(['a', 'b', 'c']);
    expect(seen.released).to.equal(true);
  });

  it('are asked for no sooner than the page before is taken', async () => {
    const { items, seen } = source([['a', 'b'], ['c']]);
    const iterator = items()[Symbol.asyncIterator]();
    await iterator.next();
    await iterator.next();
    expect(seen.asked).to.equal(1);
    await iterator.next();
    expect(seen.asked).to.equal(2);
  });

  it('end within a page and release the source once it is over', async () => {
    const { items, seen } = source([['a', 'b', 'c'], ['d']]);
    const taken: string[] = [];
    for await (const item of items(() => taken.length === 2)) taken.push(item);
    expect(taken).to.deep.equal(['a', 'b']);
    expect(seen).to.deep.equal({ asked: 1, released: true });
  });

  it('leave out a page that arrives once it is over', async () => {
    const { items, seen } = source([['a'], ['b']]);
    expect(await collect(items(() => seen.asked === 2))).to.deep.equal(['a']);
    expect(seen.released).to.equal(true);
  });

  it('release the source of a loop that is left', async () => {
    const { items, seen } = source([['a', 'b'], ['c']]);
    for await (const item of items()) if (item === 'a') break;
    expect(seen).to.deep.equal({ asked: 1, released: true });
  });

  it('reach every one of several who ask at once', async () => {
    const iterator = source([['a', 'b'], ['c']])
      .items()
      [Symbol.asyncIterator]();
    const results = await Promise.all(Array.from({ length: 5 }, () => iterator.next()));
    expect(results.map(({ done, value }) => (done === true ? null : value))).to.have.members([
      ...['a', 'b', 'c'],
      ...[null, null],
    ]);
  });

  it('end with the error of the source, after the items before it', async () => {
    const failure = new Error('The disk is full.');
    const taken: string[] = [];
    const taking = async () => {
      for await (const item of source([['a']], failure).items()) taken.push(item);
    };
    expect(await rejectionOf(taking())).to.equal(failure);
    expect(taken).to.deep.equal(['a']);
  });
});
