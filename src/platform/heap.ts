import { setFlagsFromString } from 'node:v8';

/** How much garbage the old generation may hold, as a percentage of what is in use. */
const GROWTH_PERCENT = 50;

/**
 * V8 waits with a full collection until the heap has four times the size of what is in use, and under
 * a steady load a service gets there, however little that garbage is a second. All threads' heaps.
 */
export const boundHeapGrowth = (): void =>
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
