import { expect } from 'chai';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { expectAccessible, prefixProxy } from '../support/browser.js';
import {
  type DashboardService,
  type DashboardVisit,
  expectNoSidewaysScroll,
  openInChromium,
  screenshot,
  settled,
  tile,
  visitDashboard,
} from '../support/dashboard.js';
import { eventually } from '../support/eventually.js';
import { postJson, sendActivity } from '../support/dashboard-load.js';

const LOOKS: readonly (readonly [string, BrowserContextOptions])[] = [
  ['in light', { colorScheme: 'light', viewport: { width: 1280, height: 900 } }],
  ['in dark', { colorScheme: 'dark', viewport: { width: 1280, height: 900 } }],
  ['on a phone', { colorScheme: 'dark', viewport: { width: 360, height: 740 } }],
  ['on a wide screen', { colorScheme: 'light', viewport: { width: 2560, height: 1440 } }],
];

/** Each page, and its heading with the sample catalogue. */
const PAGES: readonly (readonly [string, string])[] = [
  ['', 'Overview'],
  ['catalogue', 'Catalogue'],
  ['anime/1', 'Cowboy Bebop'],
  ['streams', 'All streams'],
  ['streams/anime-1', 'anime-1'],
  ['pipeline', 'Pipeline'],
  ['projections', 'Projections'],
  ['api', 'API'],
];

const REVIEWED = 'anime/1';

describe('the dashboard in Chromium', function () {
  this.timeout(60_000);

  let browser: Browser;
  let service: DashboardService;
  let close: (() => Promise<void>) | undefined;

  before(async function () {
    ({ browser, service, close } = await openInChromium(this));
    await sendActivity(service, 300);
  });
  after(() => close?.());

  const open = (path: string, options: BrowserContextOptions = {}): Promise<DashboardVisit> =>
    visitDashboard(browser, `${service.url}${path}`, options);

  for (const [path, heading] of PAGES) {
    for (const [look, options] of LOOKS) {
      it(`shows /${path} ${look} accessibly, without a complaint and without other hosts`, async () => {
        const { page, complaints, foreign, close } = await open(path, options);
        await settled(page, heading);
        expect(await page.title()).to.include('Anime Analytics');
        await expectNoSidewaysScroll(page);
        await expectAccessible(page);
        await screenshot(page, `${path.replace('/', '-') || 'overview'} ${look}`);
        expect(complaints).to.deep.equal([]);
        expect(foreign).to.deep.equal([]);
        await close();
      });
    }

    it(`shows /${path} again after a reload`, async () => {
      const { page, complaints, close } = await open(path);
      await settled(page, heading);
      await page.reload();
      await settled(page, heading);
      expect(complaints).to.deep.equal([]);
      await close();
    });
  }

  it('leads from page to page, back, and to the address that is shown', async () => {
    const { page, close } = await open('');
    await page.getByRole('link', { name: 'Catalogue' }).click();
    await settled(page, 'Catalogue');
    await page.getByRole('link', { name: 'Death Note' }).click();
    await settled(page, 'Death Note');
    expect(new URL(page.url()).pathname).to.equal('/anime/1535');
    await page.goBack();
    await settled(page, 'Catalogue');
    await close();
  });

  it('says so where there is no page', async () => {
    const { page, close } = await open('');
    await page.evaluate(
      "history.pushState(null, '', '/nowhere'); dispatchEvent(new Event('navigate'))",
    );
    await settled(page, 'Nothing here');
    await close();
  });

  it('keeps a search in the address, so that it can be sent to somebody', async () => {
    const { page, close } = await open('catalogue');
    await page.getByRole('searchbox', { name: 'Title' }).fill('naruto');
    await page.getByLabel('Order').selectOption('score');
    await page.getByText('1 to 2 of 2 titles').waitFor();
    const { searchParams } = new URL(page.url());
    expect(searchParams.get('q')).to.equal('naruto');
    expect(searchParams.get('sort')).to.equal('score');
    await page.reload();
    await page.getByText('1 to 2 of 2 titles').waitFor();
    expect(await page.getByRole('searchbox', { name: 'Title' }).inputValue()).to.equal('naruto');
    await close();
  });

  it('turns the pages of the catalogue', async () => {
    const { page, close } = await open('catalogue');
    await page.getByRole('link', { name: 'Next' }).click();
    await page.getByText('21 to 40 of 85 titles').waitFor();
    await page.getByRole('link', { name: 'Previous' }).click();
    await page.getByText('1 to 20 of 85 titles').waitFor();
    await close();
  });

  it('shows a click of one tab in another within a second', async () => {
    const context = await browser.newContext({ locale: 'en-GB' });
    const [one, other] = [await context.newPage(), await context.newPage()];
    for (const page of [one, other]) {
      await page.goto(`${service.url}${REVIEWED}`);
      await settled(page, 'Cowboy Bebop');
    }
    const clicks = await eventually(async () => {
      const shown = await tile(other, 'Clicks');
      expect(shown).to.be.greaterThan(0);
      return shown;
    });
    await one.getByRole('button', { name: 'Click', exact: true }).click();
    await eventually(async () => expect(await tile(other, 'Clicks')).to.equal(clicks + 1), {
      withinMs: 1000,
    });
    await context.close();
  });

  for (const [button, said] of [
    [
      'Click',
      /^Click stored at revision \d+ in [\d,]+ ms; the statistics had it [\d,]+ ms later\.$/,
    ],
    ['View of 24 minutes', /^View stored at revision \d+/],
    ['Rate', /^Rating stored at revision \d+/],
  ] as const) {
    it(`sends a command of a demonstration user with "${button}"`, async () => {
      const { page, complaints, close } = await open(REVIEWED);
      await page.getByRole('button', { name: button, exact: true }).click();
      await eventually(async () => {
        expect(await page.locator('output').innerText()).to.match(said);
      });
      expect(complaints).to.deep.equal([]);
      await close();
    });
  }

  it('works behind a proxy that strips a prefix, deep links too', async () => {
    const proxy = await prefixProxy('/some/api', new URL(service.url).origin);
    try {
      for (const [path, heading] of [
        ['', 'Overview'],
        [REVIEWED, 'Cowboy Bebop'],
      ] as const) {
        const visited = await visitDashboard(browser, `${proxy.url}/some/api/${path}`);
        await settled(visited.page, heading);
        await visited.page.getByRole('link', { name: 'Catalogue' }).click();
        await settled(visited.page, 'Catalogue');
        expect(visited.page.url()).to.equal(`${proxy.url}/some/api/catalogue`);
        expect(visited.complaints).to.deep.equal([]);
        await visited.close();
      }
    } finally {
      await proxy.close(1000);
    }
  });

  it('can be used with the keyboard alone', async () => {
    const { page, close } = await open('');
    await settled(page, 'Overview');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.className')).to.equal('skip');
    await page.keyboard.press('Enter');
    await eventually(async () => {
      expect(await page.evaluate('document.activeElement.id')).to.equal('main');
    });
    await page.getByRole('link', { name: 'Pipeline' }).first().focus();
    await page.keyboard.press('Enter');
    await settled(page, 'Pipeline');
    await close();
  });

  it('keeps the theme that was chosen', async () => {
    const { page, close } = await open('', { colorScheme: 'light' });
    const scheme = (): Promise<string> =>
      page.evaluate<string>('getComputedStyle(document.documentElement).colorScheme');
    await page.getByLabel('Theme').selectOption('dark');
    expect(await scheme()).to.equal('dark');
    await page.reload();
    await settled(page, 'Overview');
    expect(await scheme()).to.equal('dark');
    await close();
  });

  it('reconnects by itself when the service was restarted', async () => {
    const { page, close } = await open(REVIEWED);
    await settled(page, 'Cowboy Bebop');
    const before = await eventually(async () => {
      const shown = await tile(page, 'Views');
      expect(shown).to.be.greaterThan(0);
      return shown;
    });
    await service.stop();
    await page.getByText('The service cannot be reached.').first().waitFor();
    expect(await tile(page, 'Views'), 'what was known stays').to.equal(before);
    await service.start();
    await page.getByText('The service cannot be reached.').first().waitFor({ state: 'detached' });
    const view = { anime_id: 1, user_id: 'after the restart', duration_seconds: 60 };
    await postJson(`${service.commandUrl}/view`, view);
    await eventually(async () => expect(await tile(page, 'Views')).to.equal(before + 1), {
      withinMs: 10_000,
    });
    await close();
  });
});
