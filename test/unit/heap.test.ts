import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { expect } from 'chai';

const KEPT = 40;
const MADE = 240;

/** About a megabyte. */
const someObjects = (): object[] =>
  Array.from({ length: 10_000 }, (_, index) => ({ a: index, b: index, c: [index] }));

/** Of a heap that replaces what it keeps, over and over. */
const highestSize = (): number => {
  const kept: object[][] = [];
  let highest = 0;
  for (let made = 0; made < MADE; made += 1) {
    kept[made % KEPT] = someObjects();
    highest = Math.max(highest, getHeapStatistics().total_heap_size);
  }
  return highest;
};

const highestInThread = async (): Promise<number> => {
  const [highest] = (await once(new Worker(fileURLToPath(import.meta.url)), 'message')) as [number];
  return highest;
};

if (isMainThread) {
  describe('a heap whose growth is bounded', () => {
    after(() => setFlagsFromString('--heap-growing-percent=0'));

    it('stays well below what V8 would let it grow to, in each thread', async () => {
      // The threads load none of it.
      const { boundHeapGrowth } = await import('../../src/compose/service.js');
      const unbounded = await highestInThread();
      boundHeapGrowth();
      expect(await highestInThread()).to.be.below(0.8 * unbounded);
    }).timeout(60_000);
  });
} else {
  parentPort?.postMessage(highestSize());
}
