import { readdir, readFile } from 'node:fs/promises';
import { metricOf, scrape } from './scrape.js';

/** What a process holds at one moment; bytes in MB. */
export interface MemorySample {
  readonly seconds: number;
  readonly rss: number;
  /** Of the main thread's heap; the threads that write have heaps of their own. */
  readonly heapTotal: number;
  readonly heapUsed: number;
  readonly external: number;
  readonly arrayBuffers: number;
  readonly descriptors: number;
  /** Events that the documents do not show yet. */
  readonly lagEvents: number;
  readonly commands: number;
}

const MB = 1024 * 1024;

export interface Sampled {
  readonly pid: number;
  /** Where it serves its metrics. */
  readonly url: string;
}

/** From /proc and from what the process says of itself. */
export const sampleMemory = async (
  { pid, url }: Sampled,
  seconds: number,
  lagEvents: number,
): Promise<MemorySample> => {
  const [status, descriptors, metrics] = await Promise.all([
    readFile(`/proc/${pid}/status`, 'utf8'),
    readdir(`/proc/${pid}/fd`),
    scrape(url),
  ]);
  const megabytes = (name: string) => metricOf(metrics, name) / MB;
  return {
    seconds: Math.round(seconds),
    rss: Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) / 1024,
    heapTotal: megabytes('nodejs_heap_size_total_bytes'),
    heapUsed: megabytes('nodejs_heap_size_used_bytes'),
    external: megabytes('nodejs_external_memory_bytes'),
    arrayBuffers: megabytes('nodejs_array_buffers_bytes'),
    descriptors: descriptors.length,
    lagEvents,
    commands: metricOf(metrics, 'anime_analytics_commands_total'),
  };
};
