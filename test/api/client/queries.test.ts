import { expect } from 'chai';
import { QueryFailedError } from '../../../src/client/errors.js';
import { AnimeStatsOf, MostViewed } from '../../../src/client/generated/queries.js';
import { hastyClient } from '../../support/client.js';
import { listen, type HttpServer } from '../../../src/platform/http/http-server.js';
import { rejectionOf } from '../../support/rejection-of.js';

interface Asked {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

const STATS = { data: { animeStats: { animeId: 1, totalClicks: 1 } } };
const failed = (code: string) => ({
  data: { animeStats: null },
  errors: [{ message: `It is ${code}.`, path: ['animeStats'], extensions: { code } }],
});

describe('a query of the client', () => {
  let server: HttpServer;
  let asked: Asked[];
  let answers: object[];
  let revision: string;

  before(async () => {
    server = await listen(
      (req, res) => {
        let text = '';
        req.setEncoding('utf8').on('data', (part: string) => (text += part));
        req.on('end', () => {
          const recorded = { status: 'ok', message: 'Recorded.', animeId: 1, revision };
          res.setHeader('Content-Type', 'application/json');
          if (req.url === '/queries/graphql') asked.push(JSON.parse(text) as Asked);
          const answer = req.url === '/queries/graphql' ? (answers.shift() ?? STATS) : recorded;
          res.end(JSON.stringify(answer));
        });
      },
      { host: '127.0.0.1', port: 0 },
    );
  });
  after(() => server.close(1000));
  beforeEach(() => {
    asked = [];
    answers = [];
    revision = '0';
  });

  const given = () => hastyClient({ commands: server.url, queries: `${server.url}/queries/` });
  const minRevisions = () => asked.map(({ variables }) => variables['minRevision']);

  const clickAt = async ({ client }: ReturnType<typeof given>, at: string): Promise<void> => {
    revision = at;
    await client.click({ anime_id: 1, user_id: 'spike' });
  };

  it('waits for the last acknowledged command of its anime, whatever order answers came in', async () => {
    const hasty = given();
    await hasty.client.query(AnimeStatsOf, { animeId: 1 });
    await clickAt(hasty, '9');
    await clickAt(hasty, '10');
    await clickAt(hasty, '8');
    expect(await hasty.client.query(AnimeStatsOf, { animeId: 1 })).to.deep.equal(STATS.data);
    await hasty.client.query(AnimeStatsOf, { animeId: 2 });
    await hasty.client.query(MostViewed, { limit: 3 });
    expect(minRevisions()).to.deep.equal([undefined, '10', undefined, undefined]);
  });

  it('waits for the revision that it is given, or for none', async () => {
    const hasty = given();
    await clickAt(hasty, '9');
    await hasty.client.query(AnimeStatsOf, { animeId: 1, minRevision: '12' });
    await hasty.client.query(AnimeStatsOf, { animeId: 1, minRevision: null });
    expect(minRevisions()).to.deep.equal(['12', null]);
  });

  for (const code of ['STALE_READ', 'NOT_READY', 'SERVICE_UNAVAILABLE']) {
    it(`is asked again after ${code}`, async () => {
      answers = [failed(code), failed(code)];
      expect(await given().client.query(AnimeStatsOf, { animeId: 1 })).to.deep.equal(STATS.data);
      expect(asked).to.have.length(3);
    });
  }

  it('fails with its errors and codes, and is not asked again', async () => {
    answers = [failed('BAD_USER_INPUT')];
    const error = await rejectionOf(given().client.query(AnimeStatsOf, { animeId: -1 }));
    expect(error).to.be.instanceOf(QueryFailedError);
    expect(error).to.include({ code: 'BAD_USER_INPUT', message: 'It is BAD_USER_INPUT.' });
    expect(error).to.have.deep.property('data', { animeStats: null });
    expect(asked).to.have.length(1);
  });

  it('needs the address of the query API', async () => {
    const { client } = hastyClient({ commands: server.url });
    const error = await rejectionOf(client.query(MostViewed, {}));
    expect(error).to.be.instanceOf(TypeError);
  });

  it('may be one of its own', async () => {
    answers = [{ data: { totals: { clicks: 3 } } }];
    const totals = { text: '{ totals { clicks } }', waits: false };
    expect(await given().client.query(totals, {})).to.deep.equal({ totals: { clicks: 3 } });
    expect(asked[0]?.query).to.equal(totals.text);
  });
});
