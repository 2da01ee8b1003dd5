import { expect } from 'chai';
import fc from 'fast-check';
import { decode } from '../../../src/wire/stream-event.js';
import { engineWithOurs } from '../../support/projections/ours.js';

const TYPES = ['ClickRegistered', 'ViewRegistered', 'RatingGiven'] as const;
const STREAM = 'anime-7';
const TIME = '2026-11-24T10:00:00Z';

/** Mostly what belongs there, else anything that JSON can hold. */
const mostly = (...right: unknown[]): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...right) },
    { weight: 1, arbitrary: fc.jsonValue() },
  );

const userIds = mostly(
  ...['spike', 'ein 🐕', ' ', '', 'a\u0007b', 'x'.repeat(128), 'x'.repeat(129)],
  ...['🐕'.repeat(128), '🐕'.repeat(129)],
);
const ids = mostly(7, 7, 7, 7, 8, '7', 7.5);
const seconds = mostly(0, 1440, 86_401, 2_147_483_647, 2_147_483_648, -1, 1.5);
const ratings = mostly(1, 8.75, 10, 0.999, 10.001, 8.755, 5.359999999999999, '8');
const versions = mostly(undefined, 1, 2, 2, null, 3, 3, 4, 5, 2.5, 0, '2');
const subjects = mostly('c3ViamVjdC1vZi1qZXQtMQ', '-_ViamVjdC1vZi1qZXQtMQ', 'c3ViamVjd', '\u001a');

const current = fc.record({
  schemaVersion: versions,
  animeId: ids,
  userId: userIds,
  subject: subjects,
  durationSeconds: seconds,
  rating: ratings,
  occurredAt: mostly(TIME, '2026-11-24T10:00:00.123456789Z', '2026-11-24T10:00:00+01:00', 'today'),
});

const version1 = fc.record({
  schemaVersion: versions,
  anime_id: ids,
  user_id: userIds,
  duration_seconds: seconds,
  rating: ratings,
  occurred_at: mostly('2026-11-24T10:00:00.123456+09:30', '2026-11-24T10:00:00', TIME, 'yesterday'),
});

const texts = fc.oneof(
  { weight: 20, arbitrary: fc.oneof(current, version1).map((data) => JSON.stringify(data)) },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.constantFrom('', ' ', '{"animeId":', 'null', '5', '[]', '"{}"') },
);

const fact = { schemaVersion: 2, animeId: 7, userId: 'spike', occurredAt: TIME };

/** What survives JSON, and no arbitrary above ever is. */
const RARE = [
  ['a lone surrogate', 'ClickRegistered', JSON.stringify({ ...fact, userId: 'a\ud800b' })],
  [
    'a negative zero',
    'ViewRegistered',
    JSON.stringify(fact).replace('}', ',"durationSeconds":-0}'),
  ],
] as const;

/** One event in an engine that hands on whatever there is: what the projections make of it. */
const countedBy = (engine: Awaited<ReturnType<typeof engineWithOurs>>) => {
  const totals = engine.stateOf('global-totals', '') as Readonly<Record<string, number>>;
  return { clicks: totals['clicks'], views: totals['views'], ratings: totals['ratings'] };
};

describe('what a projection can read', () => {
  it('equals what the read side can read, whatever was stored', async () => {
    const engine = await engineWithOurs({ validates: false });
    const expected = { clicks: 0, views: 0, ratings: 0 };
    const kinds = { event: 0, unknown: 0, malformed: 0 };
    const COUNTED = { ClickRegistered: 'clicks', ViewRegistered: 'views', RatingGiven: 'ratings' };
    fc.assert(
      fc.property(fc.constantFrom(...TYPES), texts, (type, data) => {
        const decoded = decode(type, Buffer.from(data));
        if (decoded.kind !== 'ignored') kinds[decoded.kind] += 1;
        const named = decoded.kind !== 'event' || decoded.event.data.animeId === 7;
        if (decoded.kind === 'event' && named) {
          expected[COUNTED[type] as keyof typeof expected] += 1;
        }
        engine.append({ streamId: STREAM, eventType: type, data, isJson: true });
        engine.run();
        expect(countedBy(engine)).to.deep.equal(expected);
      }),
      { numRuns: 2000, endOnFailure: true },
    );
    expect(Math.min(...Object.values(kinds))).to.be.greaterThan(20);
    expect(engine.statuses().map(({ reason }) => reason)).to.deep.equal(['', '', '', '', '']);
  });

  for (const [what, type, data] of RARE) {
    it(`excludes ${what}`, async () => {
      const engine = await engineWithOurs();
      engine.append({ streamId: STREAM, eventType: type, data, isJson: true });
      engine.run();
      expect(decode(type, Buffer.from(data)).kind).to.equal('malformed');
      expect(engine.stateOf('global-totals', '')).to.include({ others: 1 });
    });
  }

  for (const streamId of ['anime-0', 'anime-07', 'anime-2147483648', 'anime-x', 'anime-7-8']) {
    it(`is nothing in ${streamId}, which is not the stream of an anime`, async () => {
      const engine = await engineWithOurs();
      const animeId = Number(streamId.replace('anime-', ''));
      const data = JSON.stringify({ schemaVersion: 2, animeId, userId: 'spike', occurredAt: TIME });
      engine.append({ streamId, eventType: 'ClickRegistered', data, isJson: true });
      engine.run();
      expect(engine.stateOf('global-totals', '')).to.include({ clicks: 0, others: 1 });
    });
  }
});
