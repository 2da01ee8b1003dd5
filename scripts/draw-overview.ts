import { rm } from 'node:fs/promises';
import { statSync } from 'node:fs';
import { chromium } from 'playwright-core';

/**
 * Draws the overview of the dashboard of a running service (SERVICE, default http://127.0.0.1:8001) into
 * docs/images: the picture in the README. Start the service with the sample catalogue, and give it
 * something to count.
 */
const SERVICE = process.env['SERVICE'] ?? 'http://127.0.0.1:8001';
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const FILE = 'docs/images/overview.png';
const LIMIT_BYTES = 200_000;

const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ['--headless', '--no-sandbox', '--disable-gpu'],
});
const page = await browser.newPage({
  viewport: { width: 1280, height: 900 },
  colorScheme: 'light',
  locale: 'en-GB',
});
await page.goto(SERVICE);
await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
await page.getByText('Loading…').first().waitFor({ state: 'detached' });
// The sparklines come with a query of their own.
await page.locator('.sparkline').first().waitFor();
await page.screenshot({ path: FILE });
await browser.close();

const { size } = statSync(FILE);
if (size > LIMIT_BYTES) {
  await rm(FILE);
  throw new Error(`The picture would be ${size} bytes; the README takes at most ${LIMIT_BYTES}.`);
}
console.log(`${FILE}: ${size} bytes`);
