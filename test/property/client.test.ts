import { expect } from 'chai';
import fc from 'fast-check';
import { hastyClient, type RequestFault } from '../support/client.js';
import { serveCommandApi, type CommandApi } from '../support/command-api.js';
import { AT } from '../support/examples.js';

const faults: fc.Arbitrary<readonly RequestFault[]> = fc.array(
  fc.constantFrom<RequestFault>(
    'none',
    'request-lost',
    'answer-lost',
    { status: 503, type: 'urn:problem-type:outcome-unknown', headers: { 'Retry-After': '1' } },
    { status: 429, headers: { 'Retry-After': '2' } },
    { status: 502, html: '<h1>Bad gateway</h1>' },
    { status: 200, html: '<h1>Log in</h1>' },
    { status: 413 },
  ),
  { maxLength: 12 },
);

describe('the client on a network that loses and refuses', function () {
  this.timeout(60_000);

  let api: CommandApi;
  let animeId = 0;
  before(async () => {
    api = await serveCommandApi();
  });
  after(() => api.stop());

  const usersOf = async (): Promise<string[]> => {
    const { body } = await api.send('GET', `/animes/${animeId}/events?from=1&limit=100`);
    const events = body['events'] as readonly { readonly data: { readonly userId: string } }[];
    return events.map(({ data }) => data.userId);
  };

  it('records each tracked command once, in order, if it says so, and none that it says failed', async () => {
    await fc.assert(
      fc.asyncProperty(
        faults,
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 2, max: 8 }),
        async (given, count, batchSize) => {
          animeId += 1;
          await api.list(animeId);
          const { client } = hastyClient({ commands: api.url, queue: { batchSize } }, given, {
            now: () => Date.parse(AT),
          });
          const users = Array.from({ length: count }, (_, at) => `user-${at}`);
          const results = await Promise.all(
            users.map((user_id) => client.track({ type: 'click', anime_id: animeId, user_id })),
          );
          await client.close();
          const stored = await usersOf();
          const known = users.filter((_, at) => {
            const result = results[at];
            return result?.kind !== 'failed' || !result.error.outcomeUnknown;
          });
          const recorded = users.filter((_, at) => results[at]?.kind === 'recorded');
          expect(stored.filter((user) => known.includes(user))).to.deep.equal(recorded);
          expect(new Set(stored).size).to.equal(stored.length);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('records each single command once, if it says so, and at most once otherwise', async () => {
    await fc.assert(
      fc.asyncProperty(faults, async (given) => {
        animeId += 1;
        await api.list(animeId);
        const { client } = hastyClient({ commands: api.url }, given);
        const click = { anime_id: animeId, user_id: 'spike' };
        const acknowledged = await client.click(click).catch(() => undefined);
        const count = (await usersOf()).length;
        if (acknowledged === undefined) expect(count).to.be.at.most(1);
        else expect(count).to.equal(1);
        await client.close();
      }),
      { numRuns: 60 },
    );
  });
});
