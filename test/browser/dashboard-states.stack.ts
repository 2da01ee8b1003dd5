import { expect } from 'chai';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { expectAccessible } from '../support/browser.js';
import { answerQueries, pipelineAnswers, projectionAnswers } from '../support/dashboard-answers.js';
import {
  type DashboardService,
  type DashboardVisit,
  expectNoSidewaysScroll,
  openInChromium,
  screenshot,
  settled,
  visitDashboard,
} from '../support/dashboard.js';

const absent = (field: string) => ({
  errors: [{ message: `Cannot query field "${field}" on type "Query".` }],
});

/** What the dashboard shows in states that a healthy service with a catalogue is not in. */
describe('the dashboard, where something is missing', function () {
  this.timeout(60_000);

  let browser: Browser;
  let service: DashboardService;
  let close: (() => Promise<void>) | undefined;

  before(async function () {
    ({ browser, service, close } = await openInChromium(this, { empty: true }));
  });
  after(() => close?.());

  const open = (
    path: string,
    prepare?: (page: Page) => Promise<void>,
    options: BrowserContextOptions = {},
  ): Promise<DashboardVisit> => visitDashboard(browser, `${service.url}${path}`, options, prepare);

  /** Subscriptions would deliver the truth instead of the answers of a test. */
  const withoutSubscriptions = async (page: Page): Promise<void> => {
    await page.route('**/graphql/stream', (route) => route.fulfill({ status: 404, json: {} }));
  };

  for (const path of ['', 'catalogue']) {
    it(`says at /${path} how to import a catalogue where there is none`, async () => {
      const { page, complaints, close } = await open(path);
      await page.getByText('npx anime-analytics import-catalog FILE').first().waitFor();
      await expectAccessible(page);
      expect(complaints).to.deep.equal([]);
      await close();
    });
  }

  it('says so of a title and of a stream that do not exist', async () => {
    const { page, close } = await open('anime/7');
    await page.getByText('No title has the id 7.').waitFor();
    await close();
  });

  for (const [look, options] of [
    ['in light', { colorScheme: 'light', viewport: { width: 1280, height: 900 } }],
    ['in dark', { colorScheme: 'dark', viewport: { width: 1280, height: 900 } }],
    ['on a phone', { colorScheme: 'light', viewport: { width: 360, height: 740 } }],
  ] as const) {
    it(`shows a pipeline in trouble ${look}: lags, dead letters, a rebuild and its commands`, async () => {
      const prepare = async (page: Page): Promise<void> => {
        await withoutSubscriptions(page);
        await answerQueries(page, pipelineAnswers);
      };
      const { page, close } = await open('pipeline', prepare, options);
      await settled(page, 'Pipeline');
      for (const text of [
        '16 behind',
        'anime-7 at revision 3',
        'npx anime-analytics dead-letters replay --stream anime-7',
        'npx anime-analytics rebuild promote v3',
        'npx anime-analytics rebuild rollback',
        '40%',
        'EventStoreDB',
      ]) {
        await page.getByText(text).first().waitFor();
      }
      await expectNoSidewaysScroll(page);
      await expectAccessible(page);
      await screenshot(page, `pipeline in trouble ${look}`);
      await close();
    });
  }

  it('shows projections with their faults, and the state of a partition', async () => {
    const { page, close } = await open('projections', (each) =>
      answerQueries(each, projectionAnswers),
    );
    await settled(page, 'Projections');
    await page.getByText('The step took too long.').waitFor();
    await page.locator('main').getByRole('combobox').selectOption('anime-activity');
    await page.getByLabel('Partition').fill('anime-1');
    await page.getByRole('button', { name: 'Look up' }).click();
    await page.getByText('"clicks": 41').waitFor();
    expect(new URL(page.url()).search).to.equal('?name=anime-activity&partition=anime-1');
    await expectNoSidewaysScroll(page);
    await expectAccessible(page);
    await screenshot(page, 'projections');
    await close();
  });

  it('explains panels that this service does not serve, and shows the others', async () => {
    const { page, close } = await open('', async (each) => {
      await answerQueries(each, {
        DashboardActivity: absent('activity'),
        DashboardTicker: absent('log'),
        DashboardNumbers: absent('pipeline'),
      });
    });
    await page.getByText('This service does not serve the activity per day.').waitFor();
    await page.getByText('This service does not show its log').waitFor();
    await page.getByText('healthy').first().waitFor();
    await close();
  });

  it('asks for an API key where one is needed, sends it, and keeps it in the tab alone', async () => {
    const sent: (string | undefined)[] = [];
    const { page, close } = await open('streams', async (each) => {
      await withoutSubscriptions(each);
      await each.route('**/graphql', async (route) => {
        const key = route.request().headers()['x-api-key'];
        sent.push(key);
        const edges = { edges: [], pageInfo: { hasNextPage: false, endCursor: null } };
        const error = { message: 'A key is required.', extensions: { code: 'UNAUTHENTICATED' } };
        const refused = { data: { log: null }, errors: [error] };
        await route.fulfill({ json: key === 'right' ? { data: { log: edges } } : refused });
      });
    });
    await page.getByLabel('API key').fill('wrong');
    await page.getByRole('button', { name: 'Use for this tab' }).click();
    await page.getByText('The key of this tab does not open it.').waitFor();
    await expectAccessible(page);
    await page.getByLabel('API key').fill('right');
    await page.getByRole('button', { name: 'Use for this tab' }).click();
    await page.getByText('There are no events here.').waitFor();
    expect([...new Set(sent)]).to.deep.equal([undefined, 'wrong', 'right']);
    const kept = 'JSON.stringify([sessionStorage.length, localStorage.length, document.cookie])';
    expect(await page.evaluate(kept)).to.equal('[1,0,""]');
    await close();
  });
});
