import { expect } from 'chai';
import type { TrackedCommand } from '../../../src/client/tracked.js';
import { hastyClient, scriptedPage } from '../../support/client.js';

const COMMANDS = 'http://127.0.0.1:1';
const BEACON_BYTES = 64 * 1024;

const clicks = (count: number): TrackedCommand[] =>
  Array.from({ length: count }, (_, at) => ({
    type: 'click',
    anime_id: 1,
    user_id: `user-${at}`,
    id: `id-${at}`,
  }));

const idsOf = (commands: readonly { readonly id?: string }[]) => commands.map(({ id }) => id);

/** A service that records everything, and how often each command came. */
const recording = () => {
  const seen: string[] = [];
  const answer: typeof fetch = (_input, init) => {
    const commands = JSON.parse(init?.body as string) as { readonly id: string }[];
    seen.push(...commands.map(({ id }) => id));
    const results = commands.map(() => ({ status: 201, animeId: 1, revision: '1' }));
    return Promise.resolve(Response.json({ results }));
  };
  return { seen, answer };
};

describe('a page that is hidden', () => {
  const given = (beaconBytes?: number, options: { apiKey?: string } = {}) => {
    const scripted = scriptedPage(beaconBytes);
    const service = recording();
    const { client } = hastyClient({ commands: COMMANDS, ...options }, [], {
      page: scripted.page,
      fetch: service.answer,
      // Nothing is sent by itself before the page is hidden.
      sleep: (_ms, signal) =>
        new Promise((resolve) => signal?.addEventListener('abort', () => resolve())),
    });
    return { ...scripted, ...service, client };
  };

  it('gives what is queued to the browser, in one beacon', () => {
    const { client, hide, beacons, sent } = given();
    for (const command of clicks(50)) void client.track(command);
    hide();
    hide();
    expect(beacons).to.have.length(1);
    expect(idsOf(sent())).to.deep.equal(idsOf(clicks(50)));
    expect(client.counts()).to.include({ queued: 50 });
  });

  it('sends it again once it is shown, to learn the results', async () => {
    const { client, hide, show, seen } = given();
    const results = clicks(5).map((command) => client.track(command));
    hide();
    show();
    await client.flush();
    expect(seen).to.deep.equal(idsOf(clicks(5)));
    for (const result of results) expect((await result).kind).to.equal('recorded');
  });

  it('keeps what the browser does not take, and takes the first ones', async () => {
    const { client, hide, show, sent, seen } = given(BEACON_BYTES);
    for (const command of clicks(900)) void client.track(command);
    hide();
    const count = sent().length;
    expect(count).to.be.within(400, 899);
    expect(idsOf(sent())).to.deep.equal(idsOf(clicks(count)));
    show();
    await client.flush();
    expect(seen).to.deep.equal(idsOf(clicks(900)));
  });

  it('gives the browser less where other scripts use its allowance', () => {
    const { client, hide, sent } = given(2000);
    for (const command of clicks(90)) void client.track(command);
    hide();
    expect(sent()).to.have.length.within(8, 20);
    expect(idsOf(sent())).to.deep.equal(idsOf(clicks(sent().length)));
  });

  it('sends with a key as a request that outlives the page, as a beacon cannot', () => {
    const { client, hide, beacons, seen } = given(BEACON_BYTES, { apiKey: 'secret' });
    for (const command of clicks(900)) void client.track(command);
    hide();
    expect(beacons).to.have.length(0);
    expect(seen).to.have.length.within(400, 899);
    expect(seen).to.deep.equal(idsOf(clicks(seen.length)));
  });

  it('no longer matters to a client that is closed', async () => {
    const { client, listeners } = given();
    expect(listeners.size).to.equal(1);
    await client.close();
    expect(listeners.size).to.equal(0);
  });
});
