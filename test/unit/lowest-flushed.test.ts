import { expect } from 'chai';
import { lowestFlushed } from '../../src/compose/read-side.js';
import type { Position } from '../../src/ports/event-store.js';
import { inMemoryDocuments } from '../support/in-memory-documents.js';

const at = (commit: bigint): Position => ({ commit, prepare: commit });

const storesAt = async (...positions: (Position | null)[]) => {
  const stores = positions.map(() => inMemoryDocuments());
  for (const [index, position] of positions.entries()) {
    if (position !== null) await stores[index]?.setFlushed(position);
  }
  return stores;
};

const lowestOf = async (...positions: Parameters<typeof storesAt>) => {
  const stores = await storesAt(...positions);
  return lowestFlushed(() => stores).load();
};

describe('the lowest position of all versions', () => {
  it('is that of the version furthest behind', async () => {
    expect(await lowestOf(at(9n), at(3n), at(5n))).to.deep.equal(at(3n));
  });

  it('is the beginning where any version is empty, in any order', async () => {
    expect(await lowestOf(at(9n), null)).to.equal(null);
    expect(await lowestOf(null, at(9n))).to.equal(null);
  });

  it('is stored with every version', async () => {
    const stores = await storesAt(null, at(3n));
    await lowestFlushed(() => stores).save(at(7n));
    for (const store of stores) expect(await store.flushed()).to.deep.equal(at(7n));
  });
});
