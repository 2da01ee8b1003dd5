import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Part } from '../../test/support/stack/compose-parts.js';
import { metricOf, scrape } from './scrape.js';
import type { SeededStack } from './seeded-stack.js';
import { cpuSecondsOf } from './server-process.js';

export interface CatchUp {
  readonly events: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** Documents sent to the read store; 0 for a bridge. */
  readonly documentsPerSecond: number;
  /** Resident memory: the highest while the first tenth went through, and over all. */
  readonly earlyMegabytes: number;
  readonly peakMegabytes: number;
  /** Of all threads of the part, from its start, and of the event store meanwhile. */
  readonly cpuMicros: number;
  readonly eventStoreCpuMicros: number;
}

export interface CatchUpOptions {
  /** What counts the events that went through. */
  readonly metric: string;
  /** Stopped after so long; absent: all events. */
  readonly forMs?: number;
}

const EVERY_MS = 200;

/** Starts a part that has everything still to do, and measures until it has done it. */
export const catchUp = async (
  stack: SeededStack,
  part: Part,
  { metric, forMs = Infinity }: CatchUpOptions,
): Promise<CatchUp> => {
  const eventStoreBefore = await cpuSecondsOf(stack.eventStorePid);
  await stack.start([part]);
  const { healthUrl, pid } = stack.process(part);
  let first:
    { readonly at: number; readonly events: number; readonly documents: number } | undefined;
  let earlyMegabytes = 0;
  let peakMegabytes = 0;
  for (;;) {
    const text = await scrape(healthUrl);
    const at = performance.now();
    const events = metricOf(text, metric);
    const documents = metricOf(text, 'anime_analytics_projector_documents_saved_total');
    const megabytes = await residentMegabytes(pid);
    peakMegabytes = Math.max(peakMegabytes, megabytes);
    if (events <= stack.events / 10) earlyMegabytes = peakMegabytes;
    if (events > 0) first ??= { at, events, documents };
    if (first !== undefined && (events >= stack.events || at - first.at >= forMs)) {
      const seconds = (at - first.at) / 1000;
      const eventStoreCpu = (await cpuSecondsOf(stack.eventStorePid)) - eventStoreBefore;
      return {
        events,
        seconds,
        perSecond: (events - first.events) / seconds,
        documentsPerSecond: (documents - first.documents) / seconds,
        earlyMegabytes,
        peakMegabytes,
        cpuMicros: ((await cpuSecondsOf(pid)) * 1e6) / events,
        eventStoreCpuMicros: (eventStoreCpu * 1e6) / events,
      };
    }
    await delay(EVERY_MS);
  }
};

const residentMegabytes = async (pid: number): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) / 1024;
};
