import { expect } from 'chai';
import { expectProblem, serveCommandApi, type CommandApi } from '../../support/command-api.js';
import { AT } from '../../support/examples.js';

const DAY = 24 * 60 * 60_000;
const MINUTE = 60_000;

const fromNow = (ms: number): string => new Date(Date.parse(AT) + ms).toISOString();

describe('the occurred_at of a command', () => {
  let api: CommandApi;
  before(async () => {
    api = await serveCommandApi();
    await api.list(1);
  });
  after(() => api.stop());

  const click = (occurred_at: unknown) => ({ anime_id: 1, user_id: 'a', occurred_at });

  const occurredAt = async (revision: unknown): Promise<unknown> => {
    const { body } = await api.send('GET', `/animes/1/events?from=${String(revision)}&limit=1`);
    return (body['events'] as readonly { data: { occurredAt: string } }[])[0]?.data.occurredAt;
  };

  for (const [given, kept] of [
    [fromNow(-7 * DAY), fromNow(-7 * DAY)],
    [fromNow(5 * MINUTE), fromNow(5 * MINUTE)],
    ['2026-11-24T11:30:00.1239+02:00', '2026-11-24T09:30:00.123Z'],
    ['2026-11-23T22:30:00-03:30', '2026-11-24T02:00:00.000Z'],
  ] as const) {
    it(`${given} becomes that of the event, in UTC`, async () => {
      const { status, body } = await api.post('/click', click(given));
      expect(status, JSON.stringify(body)).to.equal(201);
      expect(await occurredAt(body['revision'])).to.equal(kept);
    });
  }

  for (const given of [
    fromNow(-7 * DAY - 1),
    fromNow(5 * MINUTE + 1),
    ...['2026-11-24T09:30:00', '2026-11-24', '2026-11-24 09:30:00Z', 'yesterday', ''],
    ...['2026-11-31T09:30:00Z', '2026-11-24T24:00:00Z', '2026-11-24T09:30:60Z'],
    ...['2026-11-24T09:30:00+25:00', '2026-11-24T09:30:00+0200', 1764000000000, null],
  ]) {
    it(`${JSON.stringify(given)} is 422, alone and in a batch`, async () => {
      expect(expectProblem(await api.post('/click', click(given)), 422)).to.deep.equal([
        '/occurred_at',
      ]);
      const { body } = await api.post('/batch', [{ type: 'click', ...click(given) }]);
      expect(body).to.have.nested.property('results[0].status', 422);
      expect(body).to.have.nested.property('results[0].errors[0].pointer', '/occurred_at');
    });
  }

  it('belongs to the body that an Idempotency-Key stands for, at whatever offset', async () => {
    const headers = { 'idempotency-key': 'k' };
    const first = await api.post('/click', click('2026-11-24T09:30:00+02:00'), headers);
    const same = await api.post('/click', click('2026-11-24T07:30:00.000Z'), headers);
    expect(same.body).to.deep.equal(first.body);
    expectProblem(await api.post('/click', click('2026-11-24T07:30:00.001Z'), headers), 422);
    expectProblem(await api.post('/click', click(undefined), headers), 422);
  });

  it('does not change the order of revisions', async () => {
    const { body } = await api.post('/batch', [
      { type: 'click', ...click(fromNow(-MINUTE)) },
      { type: 'click', ...click(fromNow(-DAY)) },
    ]);
    const [first, second] = body['results'] as readonly { revision: string }[];
    expect(Number(second?.revision)).to.equal(Number(first?.revision) + 1);
    expect(await occurredAt(second?.revision)).to.equal(fromNow(-DAY));
  });
});
