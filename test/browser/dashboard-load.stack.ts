import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { chromiumOrSkip } from '../support/browser.js';
import { sendSteadily } from '../support/dashboard-load.js';
import {
  type DashboardService,
  openDashboardService,
  settled,
  visitDashboard,
} from '../support/dashboard.js';

const PER_SECOND = 1000;
const LASTS_MS = 20_000;
/** After this much of it, what is kept is kept. */
const WARM_AFTER_MS = 8000;
/** A task of the main thread that takes longer holds up a frame so that a person sees it. */
const LONG_TASK_MS = 50;
const GROWTH_BYTES = 2_000_000;

/** Chromium reports the tasks of the main thread that took 50 ms and more. */
const WATCH_TASKS = `
  globalThis.seen = { tasks: [], frames: 0 };
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) seen.tasks.push({ startTime, duration });
  }).observe({ type: 'longtask' });
  const frame = () => { seen.frames += 1; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
`;

interface Seen {
  readonly tasks: readonly { readonly startTime: number; readonly duration: number }[];
  readonly frames: number;
  readonly now: number;
}

const seenBy = (page: Page): Promise<Seen> =>
  page.evaluate<Seen>('({ ...seen, now: performance.now() })');

/** The longest task of each second; 0 where none was long. */
const longestPerSecond = ({ tasks }: Seen, from: number, to: number): readonly number[] =>
  Array.from({ length: Math.floor((to - from) / 1000) }, (_, second) => {
    const start = from + second * 1000;
    const within = tasks.filter((each) => each.startTime >= start && each.startTime < start + 1000);
    return Math.max(0, ...within.map(({ duration }) => duration));
  });

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** The heap of the page after a collection, in bytes. */
const heapOf = async (page: Page): Promise<number> => {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  await session.detach();
  return usedSize;
};

describe('the dashboard, while a thousand events a second arrive', function () {
  this.timeout(90_000);

  let browser: Browser;
  let service: DashboardService;
  const closings: (() => Promise<void>)[] = [];

  before(async function () {
    browser = await chromiumOrSkip(this);
    closings.push(() => browser.close());
    service = await openDashboardService();
    closings.push(() => service.close());
  });
  after(async () => {
    for (const close of closings.reverse()) await close();
  });

  it('keeps its frames and its memory', async () => {
    const { page, complaints, close } = await visitDashboard(
      browser,
      service.url,
      {},
      async (each) => {
        await each.addInitScript(WATCH_TASKS);
      },
    );
    await settled(page, 'Overview');
    const sending = sendSteadily(service, { perSecond: PER_SECOND, forMs: LASTS_MS });
    await page.waitForTimeout(WARM_AFTER_MS);
    const warm = await heapOf(page);
    const before = await seenBy(page);
    const sent = await sending;
    const after = await seenBy(page);
    const longest = longestPerSecond(after, before.now, after.now);
    const grown = (await heapOf(page)) - warm;
    const framesPerSecond = ((after.frames - before.frames) / (after.now - before.now)) * 1000;
    process.stdout.write(
      `      ${Math.round((sent / LASTS_MS) * 1000)} commands/s, ${Math.round(framesPerSecond)} frames/s; ` +
        `longest task of each second: ${longest.map(Math.round).join(' ')} ms; ` +
        `heap ${Math.round(warm / 1000)} kB, then ${Math.round(grown / 1000)} kB more\n`,
    );
    expect(median(longest), 'median of the longest task of each second').to.be.below(LONG_TASK_MS);
    expect(grown, 'growth of the heap').to.be.below(GROWTH_BYTES);
    expect(complaints).to.deep.equal([]);
    await close();
  });
});
