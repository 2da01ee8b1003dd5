import { expect } from 'chai';
import type { DocumentBatch } from '../../src/ports/read-store.js';
import { animeId, AT } from '../support/examples.js';
import { type Answer, codesOf } from '../support/query-api.js';
import { givenReadModels } from '../support/read-models.js';
import { aDay, anAnimeDocument } from '../support/read-store.js';

const TODAY = AT.slice(0, 10);
const POINT = '{ day clicks views seconds ratings }';
const IDLE = { clicks: 0, views: 0, seconds: 0, ratings: 0 };

interface Points {
  readonly points: readonly { readonly day: string; readonly clicks: number }[] | null;
}

const pointsOf = (answer: Answer) => (answer.data as Points).points;

describe('queries for activity per day', () => {
  const stops: (() => Promise<void>)[] = [];

  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });

  const DOCUMENTS: Partial<DocumentBatch> = {
    animes: [
      anAnimeDocument({ animeId: animeId(1) }),
      anAnimeDocument({ animeId: animeId(2), status: 'delisted' }),
    ],
    days: [
      aDay({ day: '2026-02-27', clicks: 3, views: 2, seconds: 90, ratings: 1 }),
      aDay({ day: '2026-03-01', clicks: 1 }),
      aDay({ day: '2026-03-01', animeId: animeId(2), clicks: 10 }),
      aDay({ day: TODAY, clicks: 4 }),
    ],
  };

  const when = async (query: string, variables?: object): Promise<Answer> => {
    const api = await givenReadModels(DOCUMENTS);
    stops.push(api.stop);
    return api.ask(query, variables);
  };

  it('return a point for every UTC day of the range, with zeros for idle days', async () => {
    const range = 'from: "2026-02-27", to: "2026-03-02"';
    const answer = await when(
      `{ one: animeActivity(animeId: 1, ${range}) ${POINT} all: activity(${range}) ${POINT} }`,
    );
    const rated = { day: '2026-02-27', clicks: 3, views: 2, seconds: 90, ratings: 1 };
    const idle = { ...IDLE, day: '2026-02-28' };
    const last = { ...IDLE, day: '2026-03-02' };
    expect(answer).to.deep.equal({
      data: {
        one: [rated, idle, { ...IDLE, day: '2026-03-01', clicks: 1 }, last],
        all: [rated, idle, { ...IDLE, day: '2026-03-01', clicks: 11 }, last],
      },
    });
  });

  it('return the totals of all days and anime, the delisted too, and count the listed', async () => {
    const answer = await when('{ totals { listed clicks views seconds ratings } }');
    expect(answer).to.deep.equal({
      data: { totals: { listed: 1, clicks: 18, views: 2, seconds: 90, ratings: 1 } },
    });
  });

  it('end today and begin 29 days earlier by default', async () => {
    const points = pointsOf(await when('{ points: activity { day clicks } }')) ?? [];
    expect(points).to.have.length(30);
    expect(points.at(-1)).to.deep.equal({ day: TODAY, clicks: 4 });
    const begun = pointsOf(await when('{ points: activity(to: "2026-03-01") { day } }')) ?? [];
    expect([begun[0]?.day, begun.at(-1)?.day]).to.deep.equal(['2026-01-31', '2026-03-01']);
  });

  it('return the activity of a delisted anime, and null for an unknown one', async () => {
    const day = 'from: "2026-03-01", to: "2026-03-01"';
    const answer = await when(`{
      delisted: animeActivity(animeId: 2, ${day}) { clicks }
      unknown: animeActivity(animeId: 3, ${day}) { clicks }
      none: animeActivity(animeId: 0, ${day}) { clicks }
    }`);
    expect(answer).to.deep.equal({
      data: { delisted: [{ clicks: 10 }], unknown: null, none: null },
    });
  });

  it('include the revision that a command returned, or say that it is not here yet', async () => {
    const query = 'query ($r: String) { animeActivity(animeId: 1, minRevision: $r) { day } }';
    expect(codesOf(await when(query, { r: '0' }))).to.deep.equal([]);
    expect(codesOf(await when(query, { r: '7' }))).to.deep.equal(['STALE_READ']);
    expect(codesOf(await when(query, { r: '-1' }))).to.deep.equal(['BAD_USER_INPUT']);
  });

  it('span 400 days at most', async () => {
    const query =
      'query ($from: String) { points: activity(from: $from, to: "2026-02-04") { day } }';
    expect(pointsOf(await when(query, { from: '2025-01-01' }))).to.have.length(400);
    const [error] = (await when(query, { from: '2024-12-31' })).errors ?? [];
    expect(error).to.deep.include({ message: 'from and to may span at most 400 days.' });
    expect(error?.extensions).to.deep.equal({ code: 'BAD_USER_INPUT', argument: 'from' });
  });

  const BAD_DAYS = [
    '',
    '2026-02-30',
    '2026-2-3',
    '2026-02-03T00:00:00Z',
    '1969-12-31',
    '+12026-01-01',
  ];

  for (const field of ['activity', 'animeActivity']) {
    it(`refuse days that are none, and a first day after the last one (${field})`, async () => {
      const given = field === 'activity' ? '' : 'animeId: 1, ';
      const query = `query ($from: String, $to: String) {
        ${field}(${given}from: $from, to: $to) { day }
      }`;
      for (const day of BAD_DAYS) {
        for (const argument of ['from', 'to'] as const) {
          const [error] = (await when(query, { [argument]: day })).errors ?? [];
          expect(error?.extensions).to.deep.equal({ code: 'BAD_USER_INPUT', argument });
          expect(error?.message).to.include(`${argument} must be a UTC day as YYYY-MM-DD`);
        }
      }
      const [error] = (await when(query, { from: '2026-03-02', to: '2026-03-01' })).errors ?? [];
      expect(error?.message).to.equal('from (2026-03-02) must not be after to (2026-03-01).');
    });
  }

  it('cost what 400 points cost', async () => {
    const many = (count: number) =>
      `{ ${Array.from({ length: count }, (_, n) => `a${n}: activity ${POINT}`).join(' ')} }`;
    expect(codesOf(await when(many(6)))).to.deep.equal([]);
    expect(codesOf(await when(many(7)))).to.deep.equal(['COST_LIMIT_EXCEEDED']);
  });
});
