import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { chromiumOrSkip, visit, type Visit } from './browser.js';
import { freePort } from './free-port.js';
import { startServiceProcess, type ServiceProcess } from './service-process.js';
import { temporaryDirectory } from './temporary-directory.js';

export interface DashboardService {
  readonly url: string;
  readonly commandUrl: string;
  /** Ends it and starts it again at the same addresses, with the same data. */
  readonly stop: () => Promise<void>;
  readonly start: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Chromium and a service for the tests of a suite, opened by its `before` hook; skips without Chromium. */
export const openInChromium = async (
  context: Mocha.Context,
  options: Parameters<typeof openDashboardService>[0] = {},
) => {
  const browser = await chromiumOrSkip(context);
  try {
    const service = await openDashboardService(options);
    const close = async (): Promise<void> => {
      await service.close();
      await browser.close();
    };
    return { browser, service, close };
  } catch (error) {
    await browser.close();
    throw error;
  }
};

/** The real service in a process of its own, with the sample catalogue unless `empty`. */
const openDashboardService = async ({
  empty = false,
  environment = {},
}: {
  readonly empty?: boolean;
  readonly environment?: NodeJS.ProcessEnv;
} = {}): Promise<DashboardService> => {
  const directory = await temporaryDirectory();
  const ports = {
    COMMAND_PORT: String(await freePort()),
    QUERY_PORT: String(await freePort()),
  };
  const args = empty ? [] : ['--sample-catalog', 'data/sample-catalog.csv'];
  const open = (): Promise<ServiceProcess> =>
    startServiceProcess({
      dataDir: directory.path,
      args,
      environment: { ...ports, ...environment },
    });
  let service = await open();
  return {
    url: new URL('/', service.queryUrl).href,
    commandUrl: service.commandUrl,
    stop: async () => {
      await service.end('SIGTERM');
    },
    start: async () => {
      service = await open();
    },
    close: async () => {
      await service.end('SIGTERM');
      await directory.remove();
    },
  };
};

export interface DashboardVisit extends Visit {
  /** Addresses of other hosts that the page asked for. */
  readonly foreign: readonly string[];
}

/** The dashboard in a browser of its own, in English. */
export const visitDashboard = async (
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
  prepare: (page: Page) => Promise<void> = () => Promise.resolve(),
): Promise<DashboardVisit> => {
  const foreign: string[] = [];
  const visited = await visit(browser, url, { locale: 'en-GB', ...options }, async (page) => {
    page.on('request', (request) => {
      const { hostname, protocol } = new URL(request.url());
      if (protocol.startsWith('http') && hostname !== '127.0.0.1') foreign.push(request.url());
    });
    await prepare(page);
  });
  return { ...visited, foreign };
};

/** The page has its heading, and no panel is still loading. */
export const settled = async (page: Page, heading: string): Promise<void> => {
  await page.getByRole('heading', { level: 1, name: heading }).waitFor();
  await page.getByText('Loading…').first().waitFor({ state: 'detached' });
};

/** The number in the tile of this name. */
export const tile = async (page: Page, name: string): Promise<number> => {
  const text = await page.locator('.tile', { hasText: name }).locator('dd').first().innerText();
  return Number(text.replace(/[^\d.]/g, ''));
};

/** What `wide` says of a page that is wider than its window. */
export const expectNoSidewaysScroll = async (page: Page): Promise<void> => {
  const wide = await page.evaluate<boolean>(
    'document.documentElement.scrollWidth > document.documentElement.clientWidth',
  );
  expect(wide, 'scrolls sideways').to.equal(false);
};

/** Into SCREENSHOTS, or a directory outside the repository. */
export const screenshot = async (page: Page, name: string): Promise<void> => {
  const directory = process.env['SCREENSHOTS'] ?? join(tmpdir(), 'anime-analytics-dashboard');
  mkdirSync(directory, { recursive: true });
  await page.screenshot({ path: join(directory, `${name}.png`), fullPage: true });
};
