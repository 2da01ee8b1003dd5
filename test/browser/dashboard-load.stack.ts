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
/** A frame that takes longer is one that a person sees missing. */
const LONG_TASK_MS = 50;
const GROWTH_BYTES = 2_000_000;

/** Durations of the tasks of the main thread that took 50 ms and more, as Chromium reports them. */
const WATCH_TASKS = `
  globalThis.longTasks = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) globalThis.longTasks.push(entry.duration);
  }).observe({ type: 'longtask' });
  globalThis.frames = 0;
  const frame = () => { globalThis.frames += 1; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
`;

interface Seen {
  readonly longTasks: readonly number[];
  readonly frames: number;
}

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
    const { page, complaints, close } = await visitDashboard(browser, service.url, {}, (each) =>
      each.addInitScript(WATCH_TASKS),
    );
    await settled(page, 'Overview');
    const sending = sendSteadily(service, { perSecond: PER_SECOND, forMs: LASTS_MS });
    await page.waitForTimeout(WARM_AFTER_MS);
    const warm = await heapOf(page);
    await page.evaluate('globalThis.longTasks.length = 0; globalThis.frames = 0');
    const sent = await sending;
    const { longTasks, frames } = await page.evaluate<Seen>(
      '({ longTasks: globalThis.longTasks, frames: globalThis.frames })',
    );
    const grown = (await heapOf(page)) - warm;
    const perSecond = (ms: number, count: number): number => Math.round((count / ms) * 1000);
    process.stdout.write(
      `      ${perSecond(LASTS_MS, sent)} commands/s, ${perSecond(LASTS_MS - WARM_AFTER_MS, frames)} frames/s, ` +
        `${longTasks.length} long tasks, median ${Math.round(median(longTasks))} ms, ` +
        `heap ${Math.round(warm / 1000)} kB ${grown >= 0 ? '+' : ''}${Math.round(grown / 1000)} kB\n`,
    );
    // Tasks below 50 ms are not reported: they count as the median as long as the long ones are few.
    const seconds = (LASTS_MS - WARM_AFTER_MS) / 1000;
    expect(longTasks.length, 'long tasks').to.be.below(seconds * 4);
    expect(median(longTasks.map((each) => each - LONG_TASK_MS))).to.be.below(LONG_TASK_MS);
    expect(grown, 'growth of the heap').to.be.below(GROWTH_BYTES);
    expect(complaints).to.deep.equal([]);
    await close();
  });
});
