import { existsSync } from 'node:fs';
import { request } from 'node:http';
import axe, { type AxeResults } from 'axe-core';
import { expect } from 'chai';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { listen, type HttpServer } from '../../src/platform/http/http-server.js';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * Chromium, or a skipped suite that says why there is none; a failure where REQUIRE_STACK names it.
 * For a `before` hook.
 */
export const chromiumOrSkip = async (context: Mocha.Context): Promise<Browser> => {
  const named = process.env['CHROMIUM'];
  const places = named === undefined ? PLACES : [named];
  const executablePath = places.find((path) => existsSync(path));
  if (executablePath !== undefined) return chromium.launch({ executablePath, args: FLAGS });
  const reason = `There is no Chromium at ${places.join(' or ')}; CHROMIUM says where it is.`;
  if ((process.env['REQUIRE_STACK'] ?? '').split(',').includes('chromium')) throw new Error(reason);
  process.stdout.write(`      skipped: ${reason}\n`);
  return context.skip();
};

export interface Visit {
  readonly page: Page;
  /** What the page complained of: scripts that failed, files that were refused or not found. */
  readonly complaints: string[];
  readonly close: () => Promise<void>;
}

/** A page of its own, with nothing of other visits in it. `prepare` is called before it is loaded. */
export const visit = async (
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
  prepare: (page: Page) => Promise<void> = () => Promise.resolve(),
): Promise<Visit> => {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await prepare(page);
  await page.goto(url);
  return { page, complaints, close: () => context.close() };
};

/** Fails with every serious or critical finding of axe-core, and where it was found. */
export const expectAccessible = async (page: Page): Promise<void> => {
  // Evaluated by the debugger: the page's own policy need not allow it.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<AxeResults>('axe.run()');
  const found = violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  expect(found).to.deep.equal([]);
};

/** A reverse proxy that serves `prefix` and what is below it from the root of the target. */
export const prefixProxy = (prefix: string, target: string): Promise<HttpServer> =>
  listen(
    (req, res) => {
      const { url = '', method, headers } = req;
      if (!url.startsWith(`${prefix}/`)) {
        res.writeHead(404).end('This is outside of the prefix.');
        return;
      }
      const stripped = new URL(target + url.slice(prefix.length));
      const upstream = request(stripped, { method, headers }, (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(res);
      });
      upstream.on('error', () => res.destroy());
      req.pipe(upstream);
    },
    { host: '127.0.0.1', port: 0 },
  );
