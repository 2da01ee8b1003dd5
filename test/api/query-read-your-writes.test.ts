import { expect } from 'chai';
import { anAnimeDocument, anInteraction } from '../support/read-store.js';
import { animeId, AT, userId } from '../support/examples.js';
import { codesOf } from '../support/query-api.js';
import { givenReadModels } from '../support/read-models.js';

const FIELDS = {
  animeStats: 'animeStats(animeId: 1, minRevision: $r) { animeId }',
  anime: 'anime(animeId: 1, minRevision: $r) { myanimelistId }',
  ratingDistribution: 'ratingDistribution(animeId: 1, minRevision: $r) { animeId }',
  recommendedAnimes: 'recommendedAnimes(basedOnAnimeId: 1, minRevision: $r) { myanimelistId }',
} as const;

describe('minRevision', () => {
  let api: Awaited<ReturnType<typeof givenReadModels>>;

  beforeEach(async () => {
    api = await givenReadModels({ animes: [anAnimeDocument({ revision: 4 })] });
  });
  afterEach(() => api.stop());

  for (const [name, field] of Object.entries(FIELDS)) {
    it(`makes ${name} wait until the document includes it`, async () => {
      const asking = api.ask(`query($r: String) { ${field} }`, { r: '5' });
      await api.save({ animes: [anAnimeDocument({ revision: 5 })] });
      expect(await asking).to.not.have.property('errors');
    });
  }

  it('returns the write with that revision', async () => {
    const asking = api.ask('{ animeStats(animeId: 1, minRevision: "5") { totalClicks } }');
    await api.save({ animes: [anAnimeDocument({ revision: 5, clicks: 1 })] });
    expect(await asking).to.deep.equal({ data: { animeStats: { totalClicks: 1 } } });
  });

  it('waits for an anime that is not listed yet', async () => {
    const asking = api.ask('{ anime(animeId: 7, minRevision: "0") { title } }');
    await api.save({ animes: [anAnimeDocument({ animeId: animeId(7) })] });
    expect(await asking).to.deep.equal({ data: { anime: { title: 'Cowboy Bebop' } } });
  });

  it('ends in STALE_READ when the revision does not arrive in time', async () => {
    const hasty = await givenReadModels({ animes: [anAnimeDocument()] }, { revisionWaitMs: 5 });
    try {
      for (const field of Object.values(FIELDS)) {
        const answer = await hasty.ask(`query($r: String) { ${field} }`, { r: '1' });
        expect(codesOf(answer)).to.deep.equal(['STALE_READ']);
      }
    } finally {
      await hasty.stop();
    }
  });

  it('is ignored when it is null', async () => {
    const answer = await api.ask(`query($r: String) { ${FIELDS.anime} }`, { r: null });
    expect(answer).to.deep.equal({ data: { anime: { myanimelistId: 1 } } });
  });
});

describe('userInteractions', () => {
  const interactions = [
    anInteraction({ animeId: animeId(21), userId: userId('spike'), clicks: 2 }),
    anInteraction({
      animeId: animeId(5),
      userId: userId('spike'),
      views: 1,
      seconds: 1440,
      lastViewAt: AT,
      ratings: [
        { revision: 1, hundredths: 700, at: '2026-11-24T09:00:00.000Z' },
        { revision: 3, hundredths: 875, at: AT },
      ],
    }),
    anInteraction({ animeId: animeId(20), userId: userId('spike') }),
    anInteraction({ animeId: animeId(1), userId: userId('Spike') }),
    anInteraction({ animeId: animeId(1), userId: userId('a/b %2F ñ 漢字 🚀') }),
  ];
  let api: Awaited<ReturnType<typeof givenReadModels>>;

  before(async () => (api = await givenReadModels({ interactions })));
  after(() => api.stop());

  interface Page {
    readonly userInteractions: {
      readonly edges: readonly { readonly node: { readonly animeId: number } }[];
      readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
    };
  }

  const pageOf = async (user: string, first: number, after: string | null) => {
    const { data } = await api.ask(
      `query($user: String!, $first: Int, $after: String) {
        userInteractions(userId: $user, first: $first, after: $after) {
          edges { node { animeId } }
          pageInfo { hasNextPage endCursor }
        }
      }`,
      { user, first, after },
    );
    const { edges, pageInfo } = (data as Page).userInteractions;
    return { animeIds: edges.map(({ node }) => node.animeId), ...pageInfo };
  };

  it('returns all fields of each anime the user interacted with', async () => {
    const answer = await api.ask(
      `{ userInteractions(userId: "spike", first: 1) {
        edges {
          cursor
          node {
            animeId totalClicks totalViews totalDurationSeconds
            rating ratedAt lastClickAt lastViewAt
          }
        }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      } }`,
    );
    const cursor = Buffer.from('anime:5').toString('base64url');
    expect(answer).to.deep.equal({
      data: {
        userInteractions: {
          edges: [
            {
              cursor,
              node: {
                animeId: 5,
                totalClicks: 1,
                totalViews: 1,
                totalDurationSeconds: 1440,
                rating: 8.75,
                ratedAt: AT,
                lastClickAt: AT,
                lastViewAt: AT,
              },
            },
          ],
          pageInfo: {
            hasNextPage: true,
            hasPreviousPage: false,
            startCursor: cursor,
            endCursor: cursor,
          },
        },
      },
    });
  });

  it('continues after a cursor without a repeat or a gap', async () => {
    const first = await pageOf('spike', 2, null);
    expect(first).to.deep.include({ animeIds: [5, 20], hasNextPage: true });
    const second = await pageOf('spike', 2, first.endCursor);
    expect(second).to.deep.include({ animeIds: [21], hasNextPage: false });
    const third = await pageOf('spike', 2, second.endCursor);
    expect(third).to.deep.equal({ animeIds: [], hasNextPage: false, endCursor: null });
  });

  it('distinguishes users by case, and finds any valid id', async () => {
    expect(await pageOf('Spike', 20, null)).to.deep.include({ animeIds: [1] });
    expect(await pageOf('a/b %2F ñ 漢字 🚀', 20, null)).to.deep.include({ animeIds: [1] });
  });

  it('is empty for a user who did nothing', async () => {
    const nobody = { animeIds: [], hasNextPage: false, endCursor: null };
    for (const user of ['nobody', '%', '{"$gt":""}', '__proto__']) {
      expect(await pageOf(user, 20, null)).to.deep.equal(nobody);
    }
  });
});
