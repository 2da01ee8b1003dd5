import { expect } from 'chai';
import type { Page } from 'playwright-core';
import type { HttpServer } from '../../src/platform/http/http-server.js';
import { visit } from '../support/browser.js';
import { clientExamples } from '../support/client-examples.js';
import { seeingProxy, serveSite } from '../support/client-page.js';
import { serveCommandApi } from '../support/command-api.js';
import { openInChromium } from '../support/dashboard.js';
import { AT } from '../support/examples.js';
import { eventually } from '../support/eventually.js';

interface StoredClick {
  readonly data: { readonly userId: string };
}

describe('the client in Chromium', function () {
  this.timeout(60_000);

  let opened: Awaited<ReturnType<typeof openInChromium>>;
  let commands: Awaited<ReturnType<typeof seeingProxy>>;
  let site: HttpServer;
  let animeId = 1000;
  const closings: (() => Promise<void>)[] = [];

  before(async function () {
    opened = await openInChromium(this, { empty: true });
    closings.push(() => opened.close());
    commands = await seeingProxy(opened.service.commandUrl);
    closings.push(() => commands.close());
    const [example] = clientExamples('html');
    const html = example?.text.replaceAll('http://localhost:8000', commands.url) ?? '';
    site = await serveSite({ '/example': html });
    closings.push(() => site.close(1000));
    await list(opened.service.commandUrl, 1);
  });
  after(async () => {
    for (const close of closings.reverse()) await close();
  });

  beforeEach(async () => {
    animeId += 1;
    await list(opened.service.commandUrl, animeId);
    commands.seen.length = 0;
  });

  const list = (url: string, id: number, headers: Record<string, string> = {}) =>
    fetch(`${url}/animes/${id}`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: '{"title":"Anime"}',
    });

  const usersOf = async (url: string, id: number, headers = {}): Promise<readonly string[]> => {
    const page = await fetch(`${url}/animes/${id}/events?from=1&limit=100`, { headers });
    const { events = [] } = (await page.json()) as { readonly events?: readonly StoredClick[] };
    return events.map(({ data }) => data.userId);
  };
  const users = () => usersOf(opened.service.commandUrl, animeId);

  const visitSite = async (path = '/') => {
    const visited = await visit(opened.browser, `${site.url}${path}`);
    if (path === '/') await visited.page.waitForFunction('window.anime !== undefined');
    return visited;
  };

  /** Tracks so many clicks, which wait for longer than the page lives. */
  const track = (page: Page, count: number, options: object = {}): Promise<string[]> =>
    page.evaluate<string[]>(`(() => {
      const options = ${JSON.stringify({
        commands: commands.url,
        queue: { batchSize: 1000, maxWaitMs: 600_000 },
        ...options,
      })};
      window.client = anime.createClient(options);
      const users = Array.from({ length: ${count} }, (_, at) => 'user-' + at);
      for (const user_id of users) client.track({ type: 'click', anime_id: ${animeId}, user_id });
      return users;
    })()`);

  it('reads its own writes from another origin, without cookies', async () => {
    const { page, complaints, close } = await visitSite();
    const clicks = await page.evaluate<number>(`(async () => {
      const client = anime.createClient(${JSON.stringify({ commands: commands.url, queries: opened.service.url })});
      for (let at = 0; at < 3; at += 1) await client.click({ anime_id: ${animeId}, user_id: 'a' });
      const { animeStats } = await client.query(anime.AnimeStatsOf, { animeId: ${animeId} });
      return animeStats.totalClicks;
    })()`);
    expect(clicks).to.equal(3);
    expect(commands.seen.flatMap(({ headers }) => headers.cookie ?? [])).to.deep.equal([]);
    expect(complaints).to.deep.equal([]);
    await close();
  });

  it('tracks clicks as the example of docs/client.md does, without a preflight', async () => {
    const { page, complaints, close } = await visitSite('/example');
    await page.click('text=Cowboy Bebop');
    await eventually(async () => {
      expect(await usersOf(opened.service.commandUrl, 1)).to.deep.equal(['user123']);
    });
    expect(commands.seen.map(({ method, path }) => `${method} ${path}`)).to.deep.equal([
      'POST /batch',
    ]);
    expect(complaints).to.deep.equal([]);
    await close();
  });

  for (const [how, end] of [
    ['is closed', (page: Page) => page.close()],
    ['goes to another address', (page: Page) => page.goto('about:blank')],
  ] as const) {
    it(`records once what is queued when the page ${how}`, async () => {
      const { page, close } = await visitSite();
      const expected = await track(page, 40);
      await end(page);
      await eventually(async () => expect(await users()).to.deep.equal(expected));
      expect(commands.seen.map(({ method }) => method)).to.not.include('OPTIONS');
      await close();
    });
  }

  it('records once what is under way when the page goes to another address', async () => {
    const { page, close } = await visitSite();
    commands.holdNext('POST /batch');
    const expected = await track(page, 20);
    await page.evaluate('void client.flush()');
    await eventually(() => expect(commands.seen).to.have.length(1));
    await page.goto('about:blank');
    await eventually(async () => expect(await users()).to.deep.equal(expected));
    await close();
  });

  it('records once what is sent both while the page is hidden and when it is shown again', async () => {
    const { page, close } = await visitSite();
    const expected = await track(page, 20);
    const show = (state: string) =>
      page.evaluate(`(() => {
        Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      })()`);
    await show('hidden');
    await eventually(async () => expect(await users()).to.deep.equal(expected));
    await show('visible');
    await page.evaluate('client.flush()');
    expect(await page.evaluate('client.counts()')).to.deep.equal({
      queued: 0,
      recorded: 20,
      failed: 0,
      dropped: 0,
    });
    expect(await users()).to.deep.equal(expected);
    await close();
  });

  it('gives the browser what fits into 64 KiB, and keeps the rest queued', async () => {
    const { page, close } = await visitSite();
    await track(page, 900);
    const left = await page.evaluate<number>(`(() => {
      const sizes = [];
      const send = navigator.sendBeacon.bind(navigator);
      navigator.sendBeacon = (url, body) => send(url, body) && sizes.push(JSON.parse(body).length) > 0;
      dispatchEvent(new Event('pagehide'));
      return sizes.reduce((sum, size) => sum + size, 0);
    })()`);
    expect(left).to.be.within(450, 520);
    expect(await page.evaluate('client.counts()')).to.include({ queued: 900 });
    await page.evaluate(`dispatchEvent(new Event('pageshow'))`);
    await page.evaluate('client.flush()');
    expect(await page.evaluate('client.counts()')).to.include({ recorded: 900, queued: 0 });
    await close();
  });

  it('records with a key what is queued when the page goes to another address', async () => {
    const guarded = await serveCommandApi({ apiKeys: ['secret'] });
    const key = { 'X-Api-Key': 'secret' };
    await list(guarded.url, animeId, key);
    const { page, close } = await visitSite();
    // That of this service.
    await page.evaluate(`Date.now = () => ${Date.parse(AT)}`);
    const expected = await track(page, 40, { commands: guarded.url, apiKey: 'secret' });
    await page.goto('about:blank');
    await eventually(async () => {
      expect(await usersOf(guarded.url, animeId, key)).to.deep.equal(expected);
    });
    await close();
    await guarded.stop();
  });
});
