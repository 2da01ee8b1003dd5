import { expect } from 'chai';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { eventStorePage } from '../../src/compose/addresses.js';
import type { HttpServer } from '../../src/platform/http/http-server.js';
import {
  chromiumOrSkip,
  expectAccessible,
  prefixProxy,
  visit,
  type Visit,
} from '../support/browser.js';
import { serveCommandApi, type CommandApi } from '../support/command-api.js';
import { openGrpcNode, type GrpcNode } from '../support/grpc-node.js';
import { serveQueryApi, storeThatAnswers } from '../support/query-api.js';

const LOOKS: readonly (readonly [string, BrowserContextOptions])[] = [
  ['in light', { colorScheme: 'light', viewport: { width: 1280, height: 900 } }],
  ['in dark', { colorScheme: 'dark', viewport: { width: 1280, height: 900 } }],
  ['on a phone', { colorScheme: 'light', viewport: { width: 360, height: 740 } }],
];

const DARK = 80;

/** How bright the ground in the lower right corner is, from 0 to 255; that of the body is the canvas's. */
const BRIGHTNESS = `(() => {
  const corner = document.elementFromPoint(innerWidth - 4, innerHeight - 4);
  const around = [];
  for (let at = corner; at !== null; at = at.parentElement) around.push(at);
  const grounds = [...around, document.body].map((each) => getComputedStyle(each).backgroundColor);
  const ground = grounds.find((each) => each !== 'rgba(0, 0, 0, 0)') ?? 'rgb(255, 255, 255)';
  const [r, g, b] = ground.match(/\\d+/g).map(Number);
  return (r + g + b) / 3;
})()`;

const WIDER_THAN_SCREEN =
  'document.documentElement.scrollWidth > document.documentElement.clientWidth';

describe('the pages in Chromium', function () {
  this.timeout(60_000);

  let browser: Browser;
  let commands: CommandApi;
  let queries: Awaited<ReturnType<typeof serveQueryApi>>;
  let eventStore: GrpcNode;
  let commandProxy: HttpServer;
  let queryProxy: HttpServer;

  /** How to close what was opened: nothing, where there is no browser. */
  const closings: (() => Promise<void>)[] = [];

  before(async function () {
    browser = await chromiumOrSkip(this);
    closings.push(() => browser.close());
    commands = await serveCommandApi();
    closings.push(() => commands.stop());
    await commands.list(1);
    const readStore = storeThatAnswers({ topByViews: () => Promise.resolve([]) });
    queries = await serveQueryApi({ readStore, production: false });
    closings.push(() => queries.stop());
    const seen = {
      config: { env: 'development', host: '127.0.0.1', commandUrl: '' },
      addresses: {},
    } as const;
    eventStore = await openGrpcNode({ page: eventStorePage(seen) });
    closings.push(() => eventStore.stop());
    commandProxy = await prefixProxy('/some/api', commands.url);
    closings.push(() => commandProxy.close(1000));
    queryProxy = await prefixProxy('/some/queries', new URL(queries.url).origin);
    closings.push(() => queryProxy.close(1000));
  });

  after(async () => {
    for (const close of closings.reverse()) await close();
  });

  const places = {
    'the command API': () => `${commands.url}/`,
    'the query API': () => new URL('/', queries.url).href,
    'the event store': () => `http://127.0.0.1:${eventStore.server.port}/`,
    '/docs': () => `${commands.url}/docs`,
    GraphiQL: () => queries.url,
  };

  /** What shows that a page which is made by scripts is there. */
  const MADE: Readonly<Partial<Record<keyof typeof places, string>>> = {
    '/docs': '.opblock',
    GraphiQL: '.graphiql-query-editor .view-line',
  };

  const open = async (
    place: keyof typeof places,
    options: BrowserContextOptions = {},
    url = places[place](),
  ): Promise<Visit> => {
    const visited = await visit(browser, url, options);
    const made = MADE[place];
    if (made !== undefined) await visited.page.waitForSelector(made);
    return visited;
  };

  for (const place of Object.keys(places) as (keyof typeof places)[]) {
    for (const [look, options] of LOOKS) {
      it(`shows ${place} ${look} completely and accessibly`, async () => {
        const { page, complaints, close } = await open(place, options);
        expect(await page.title()).to.match(/\w/);
        expect(await page.evaluate<number>(BRIGHTNESS)).to.satisfy((brightness: number) => {
          return brightness < DARK === (options.colorScheme === 'dark');
        });
        expect(await page.evaluate<boolean>(WIDER_THAN_SCREEN), 'scrolls sideways').to.equal(false);
        await expectAccessible(page);
        expect(complaints).to.deep.equal([]);
        await close();
      });
    }
  }

  for (const [where, base] of [
    ['at the root', () => commands.url],
    ['behind a prefix', () => `${commandProxy.url}/some/api`],
  ] as const) {
    it(`sends a command from /docs ${where}`, async () => {
      const options = { colorScheme: 'dark' } as const;
      const { page, complaints, close } = await open('/docs', options, `${base()}/docs`);
      expect(page.url()).to.equal(`${base()}/docs/`);
      await page.click('[data-path="/click"]');
      await page.click('.try-out__btn');
      const answered = page.waitForResponse((response) => response.request().method() === 'POST');
      await page.click('.btn.execute');
      const response = await answered;
      expect(response.url()).to.equal(`${base()}/click`);
      expect(response.status()).to.equal(201);
      await page.waitForSelector('.live-responses-table .response');
      await expectAccessible(page);
      expect(complaints).to.deep.equal([]);
      await close();
    });

    it(`leads from the front page to /docs and back ${where}`, async () => {
      const { page, complaints, close } = await open('the command API', {}, `${base()}/`);
      const hrefs = await page
        .locator('a')
        .evaluateAll((links) =>
          links.map((link) => (link as unknown as { readonly href: string }).href),
        );
      for (const href of hrefs) expect(href.startsWith(`${base()}/`), href).to.equal(true);
      await page.click('text=Docs');
      await page.waitForSelector('.opblock');
      await page.goBack();
      expect(await page.title()).to.equal('Command API');
      expect(complaints).to.deep.equal([]);
      await close();
    });
  }

  for (const [where, url] of [
    ['at the root', () => queries.url],
    ['behind a prefix', () => `${queryProxy.url}/some/queries/graphql`],
  ] as const) {
    it(`asks a query from GraphiQL ${where}`, async () => {
      const { page, complaints, close } = await open('GraphiQL', {}, url());
      const answered = page.waitForResponse(async (response) => {
        return (await response.text()).includes('topAnimesByViews":[');
      });
      await page.click('.graphiql-execute-button');
      expect((await answered).url()).to.equal(url());
      await page.waitForSelector('.result-window .view-line');
      await expectAccessible(page);
      expect(complaints).to.deep.equal([]);
      await close();
    });
  }

  it('shows query and answer of GraphiQL one below the other on a phone', async () => {
    const { page, close } = await open('GraphiQL', { viewport: { width: 360, height: 740 } });
    const query = await page.locator('.graphiql-editors').boundingBox();
    const answer = await page.locator('.graphiql-response').boundingBox();
    expect(answer?.y).to.be.at.least((query?.y ?? 0) + (query?.height ?? 0) - 1);
    expect(answer?.width).to.be.at.least(250);
    await close();
  });

  it('does not load cached files again', async () => {
    const { page, close } = await open('/docs');
    await page.goto(places['the command API']());
    await page.goto(places['/docs']());
    await page.waitForSelector('.opblock');
    const metrics = await (await fetch(`${commands.url}/metrics`)).text();
    for (const file of ['', 'swagger-ui.css', 'swagger-ui-bundle.js', 'page.js', 'page.css']) {
      expect(metrics).to.include(`_count{method="GET",route="/docs/${file}",status="304"}`);
    }
    await close();
  });
});
