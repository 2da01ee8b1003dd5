import { expect } from 'chai';
import type { Client } from '../../../src/client/client.js';
import type { QueueOptions } from '../../../src/client/queue.js';
import type { TrackedCommand, TrackResult } from '../../../src/client/tracked.js';
import { hastyClient, type RequestFault } from '../../support/client.js';
import { serveCommandApi, type CommandApi } from '../../support/command-api.js';
import { AT } from '../../support/examples.js';
import { rejectionOf } from '../../support/rejection-of.js';

const click = (user_id: string, more: object = {}): TrackedCommand => ({
  type: 'click',
  anime_id: 1,
  user_id,
  ...more,
});
const clicks = (count: number): TrackedCommand[] =>
  Array.from({ length: count }, (_, at) => click(`user-${at}`));

const kindsOf = (results: readonly TrackResult[]) => results.map(({ kind }) => kind);

describe('the queue of the client', () => {
  let api: CommandApi;
  beforeEach(async () => {
    api = await serveCommandApi();
    await api.list(1);
  });
  /** A queue that is left open goes on trying. */
  const opened: Client[] = [];
  afterEach(async () => {
    for (const client of opened.splice(0)) await client.close({ timeoutMs: 0 });
    await api.stop();
  });

  const given = (faults: readonly RequestFault[] = [], queue: Partial<QueueOptions> = {}) => {
    const hasty = hastyClient({ commands: api.url, attemptTimeoutMs: 200, queue }, faults, {
      now: () => Date.parse(AT),
    });
    opened.push(hasty.client);
    return hasty;
  };

  const usersInStream = async (): Promise<string[]> => {
    const { body } = await api.send('GET', '/animes/1/events?from=1&limit=100');
    const events = body['events'] as readonly { readonly data: { readonly userId: string } }[];
    return events.map(({ data }) => data.userId);
  };

  it('sends commands together, in order, and answers each', async () => {
    const { client, requests } = given();
    const commands = [...clicks(3), { ...click('rater'), type: 'rating' as const, rating: 7 }];
    const results = await Promise.all(commands.map((command) => client.track(command)));
    expect(kindsOf(results)).to.deep.equal(Array(4).fill('recorded'));
    const [last] = results.slice(-1);
    expect(last).to.deep.include({ kind: 'recorded' });
    expect(last?.kind === 'recorded' && last.acknowledged).to.include({
      animeId: 1,
      revision: '4',
      rating: 7,
      replayed: false,
    });
    expect(requests.map(({ url }) => url)).to.deep.equal([`${api.url}/batch`]);
    expect(client.counts()).to.deep.equal({ queued: 0, recorded: 4, failed: 0, dropped: 0 });
  });

  it('sends a full batch at once, and others after their time', async () => {
    const { client, pauses, requests } = given([], { batchSize: 2, maxWaitMs: 700 });
    await Promise.all(clicks(5).map((command) => client.track(command)));
    expect(requests.map(({ body }) => (JSON.parse(body) as unknown[]).length)).to.deep.equal([
      2, 2, 1,
    ]);
    expect(pauses.filter((ms) => ms > 0)).to.deep.equal([700, 700]);
    expect(await usersInStream()).to.deep.equal(clicks(5).map(({ user_id }) => user_id));
  });

  it('sets the time at which a command was queued, unless it has one', async () => {
    const { client, requests } = given();
    const occurred_at = new Date(Date.parse(AT) - 60_000).toISOString();
    await Promise.all([client.track(click('a')), client.track(click('b', { occurred_at }))]);
    const sent = JSON.parse(requests[0]?.body ?? '') as { occurred_at: string }[];
    expect(sent.map((each) => each.occurred_at)).to.deep.equal([AT, occurred_at]);
  });

  it('leaves out the time of a wrong clock, but not one that was given', async () => {
    const ahead = Date.parse(AT) + 3_600_000;
    const { client } = hastyClient({ commands: api.url }, [], { now: () => ahead });
    const occurred_at = new Date(ahead).toISOString();
    const [own, given] = await Promise.all([
      client.track(click('own')),
      client.track(click('given', { occurred_at })),
    ]);
    expect(own.kind).to.equal('recorded');
    expect(given.kind === 'failed' && given.error).to.include({ status: 422 });
    expect(await usersInStream()).to.deep.equal(['own']);
  });

  for (const fault of ['request-lost', 'answer-lost', 'silence'] as const) {
    it(`records each command once, in order, when a batch ends with ${fault}`, async () => {
      const { client } = given([fault], { batchSize: 3 });
      const results = await Promise.all(clicks(7).map((command) => client.track(command)));
      expect(kindsOf(results)).to.deep.equal(Array(7).fill('recorded'));
      expect(await usersInStream()).to.deep.equal(clicks(7).map(({ user_id }) => user_id));
    });
  }

  it('sends again only those of a batch that the service could not take', async () => {
    const limited = await serveCommandApi({ rateLimitPerMinute: 4 });
    await limited.list(1);
    const { client, requests, pauses } = hastyClient({ commands: limited.url }, [], {
      now: () => Date.parse(AT),
    });
    const [one, two, three, ...others] = clicks(5).map((command) => client.track(command));
    expect(
      kindsOf(await Promise.all([one, two, three].flatMap((each) => each ?? []))),
    ).to.deep.equal(Array(3).fill('recorded'));
    await client.close({ timeoutMs: 0 });
    const rest = await Promise.all(others);
    expect(rest.every(({ kind }) => kind !== 'recorded')).to.equal(true);
    const again = requests.slice(1).map(({ body }) => (JSON.parse(body) as unknown[]).length);
    expect(new Set(again).size, 'sizes').to.be.at.most(1);
    expect(again.every((size) => size === 2)).to.equal(true);
    expect(pauses.some((ms) => ms >= 1000)).to.equal(true);
    await limited.stop();
  });

  it('waits as long as Retry-After asks for', async () => {
    const { client, pauses } = given([{ status: 503, headers: { 'Retry-After': '9' } }]);
    await client.track(click('a'));
    expect(pauses).to.include(9000);
  });

  it('fails a command that the service refuses, and records the others', async () => {
    const { client } = given();
    const [one, other] = await Promise.all([
      client.track(click('a', { anime_id: 2 })),
      client.track(click('b')),
    ]);
    expect(one.kind === 'failed' && one.error).to.include({
      status: 404,
      type: 'urn:problem-type:anime-not-listed',
    });
    expect(other.kind).to.equal('recorded');
  });

  it('fails a batch that is refused as a whole, and goes on with the next', async () => {
    const { client } = given([{ status: 403 }], { batchSize: 2 });
    const results = await Promise.all(clicks(3).map((command) => client.track(command)));
    expect(kindsOf(results)).to.deep.equal(['failed', 'failed', 'recorded']);
  });

  it('sends smaller batches where something in between refuses large ones', async () => {
    const { client, requests } = given([{ status: 413 }], { batchSize: 8 });
    const results = await Promise.all(clicks(8).map((command) => client.track(command)));
    expect(kindsOf(results)).to.deep.equal(Array(8).fill('recorded'));
    expect(requests.map(({ body }) => (JSON.parse(body) as unknown[]).length)).to.deep.equal([
      8, 4, 4,
    ]);
  });

  it('drops and counts what it has no room for, and fails what is too large', async () => {
    const { client } = given([], { maxQueued: 2 });
    const results = await Promise.all([
      client.track(click('x'.repeat(20_000))),
      ...clicks(4).map((command) => client.track(command)),
    ]);
    expect(kindsOf(results)).to.deep.equal([
      'failed',
      'recorded',
      'recorded',
      'dropped',
      'dropped',
    ]);
    expect(client.counts()).to.deep.equal({ queued: 0, recorded: 2, failed: 1, dropped: 2 });
  });

  it('flushes what is queued without waiting, and stops when its signal says so', async () => {
    const { client, pauses } = given();
    const result = client.track(click('a'));
    await client.flush();
    expect((await result).kind).to.equal('recorded');
    expect(pauses).to.have.length.at.most(1);

    const { client: stuck } = given(['silence', 'silence']);
    void stuck.track(click('b'));
    const reason = new Error('Enough.');
    const stop = new AbortController();
    const flushed = rejectionOf(stuck.flush({ signal: stop.signal }));
    stop.abort(reason);
    expect(await flushed).to.equal(reason);
    await stuck.close({ timeoutMs: 0 });
  });

  it('goes on after it was flushed with nothing in it', async () => {
    const { client } = given();
    await client.flush();
    expect((await client.track(click('a'))).kind).to.equal('recorded');
    await client.flush();
    expect((await client.track(click('b'))).kind).to.equal('recorded');
  });

  it('closes once what is queued is recorded, and takes no more', async () => {
    const { client } = given();
    const results = clicks(3).map((command) => client.track(command));
    await Promise.all([client.close({ timeoutMs: 3_600_000 }), client.flush()]);
    expect(kindsOf(await Promise.all(results))).to.deep.equal(Array(3).fill('recorded'));
    expect(await client.track(click('late'))).to.deep.equal({ kind: 'dropped' });
    expect(client.counts()).to.deep.equal({ queued: 0, recorded: 3, failed: 0, dropped: 1 });
  });

  it('needs no preflight without a key, and sends the key where it has one', async () => {
    const { client, requests } = given();
    await client.track(click('a'));
    expect([...(requests[0]?.headers ?? [])]).to.deep.equal([
      ['content-type', 'text/plain;charset=UTF-8'],
    ]);
    const guarded = await serveCommandApi({ apiKeys: ['secret'] });
    const keyed = hastyClient({ commands: guarded.url, apiKey: 'secret' });
    await keyed.client.putAnime(1, { title: 'Akira' });
    expect((await keyed.client.track(click('b'))).kind).to.equal('recorded');
    await guarded.stop();
  });

  it('refuses limits that the service does not have', () => {
    expect(() => given([], { batchSize: 10_001 })).to.throw(
      RangeError,
      'batchSize must be a whole number from 1 to 10000.',
    );
    expect(() => given([], { maxQueued: 0 })).to.throw(RangeError, 'maxQueued');
  });
});
