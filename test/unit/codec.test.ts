import { expect } from 'chai';
import { decode, encode } from '../../src/wire/stream-event.js';
import {
  EVENTS_IGNORED,
  SCHEMA_VERSIONS,
  encodeIgnored,
  isUnreadable,
  remedyFor,
  upcastFrom,
  whyUnreadable,
} from '../../src/wire/upcast.js';
import { animeId, events, userId } from '../support/examples.js';

const utf8 = new TextEncoder();

/** As the system our users come from stored it: snake_case, no version, a time without an offset. */
const STORED_VIEW =
  '{"anime_id": 5114, "user_id": "user-42", "duration_seconds": 1440, "occurred_at": "2025-03-09T18:22:07.481516"}';
const STORED_RATING =
  '{"anime_id": 5114, "user_id": "user-42", "rating": 9.25, "occurred_at": "2025-03-09T20:22:07+02:00"}';

describe('the codec', () => {
  it('reads a view of version 1 as today’s event', () => {
    expect(decode('ViewRegistered', utf8.encode(STORED_VIEW))).to.deep.equal({
      kind: 'event',
      event: {
        type: 'ViewRegistered',
        data: {
          animeId: animeId(5114),
          userId: userId('user-42'),
          durationSeconds: 1440,
          occurredAt: '2025-03-09T18:22:07.481Z',
        },
      },
    });
  });

  it('reads a time of version 1 in any offset', () => {
    const decoded = decode('RatingGiven', utf8.encode(STORED_RATING));
    expect(decoded).to.have.nested.property('event.data.occurredAt', '2025-03-09T18:22:07.000Z');
    expect(decoded).to.have.nested.property('event.data.rating', 9.25);
  });

  it('reads a view of several days and rounds a rating of many decimals', () => {
    const view = decode('ViewRegistered', utf8.encode(STORED_VIEW.replace('1440', '259200')));
    expect(view).to.have.nested.property('event.data.durationSeconds', 259_200);
    const stored = [
      STORED_RATING.replace('9.25', '5.359999999999999'),
      JSON.stringify({ ...encode(events.rating), rating: 5.359999999999999 }),
    ];
    for (const text of stored) {
      const rating = decode('RatingGiven', utf8.encode(text));
      expect(rating).to.have.nested.property('event.data.rating', 5.36);
    }
  });

  for (const [name, event] of Object.entries(events)) {
    it(`reads what it wrote: ${name}`, () => {
      const data = encode(event);
      expect(data['schemaVersion']).to.equal(SCHEMA_VERSIONS[event.type]);
      expect(decode(event.type, utf8.encode(JSON.stringify(data)))).to.deep.equal({
        kind: 'event',
        event,
      });
    });
  }

  it('writes interactions in version 2, and the catalogue in version 1', () => {
    expect(SCHEMA_VERSIONS).to.deep.equal({
      AnimeListed: 1,
      AnimeDetailsRevised: 1,
      AnimeDelisted: 1,
      ClickRegistered: 2,
      ViewRegistered: 2,
      RatingGiven: 2,
    });
  });

  it('upcasts step by step, from the version that was stored to the newest', () => {
    const step = (name: string) => (data: object) => ({
      ...data,
      [name]: Object.keys(data).length,
    });
    const steps = [step('in2'), step('in3'), step('in4')];

    expect(upcastFrom(1, {}, steps)).to.deep.equal({ in2: 0, in3: 1, in4: 2 });
    expect(upcastFrom(2, {}, steps)).to.deep.equal({ in3: 0, in4: 1 });
    expect(upcastFrom(3, {}, steps)).to.deep.equal({ in4: 0 });
    expect(upcastFrom(4, {}, steps)).to.deep.equal({});
  });

  it('does not know a version that is newer than itself', () => {
    const data = utf8.encode('{"schemaVersion": 99, "animeId": 1}');
    expect(decode('ClickRegistered', data)).to.have.property('kind', 'unknown');
  });

  const IGNORED = {
    animeId: animeId(1),
    occurredAt: '2026-11-24T10:00:00.000Z',
    from: 3,
    to: 5,
    reason: 'An experiment.',
  };

  it('reads which events an operator ignored', () => {
    const data = utf8.encode(JSON.stringify(encodeIgnored(IGNORED)));
    expect(decode(EVENTS_IGNORED, data)).to.deep.equal({ kind: 'ignored', ignored: IGNORED });
  });

  it('reads that one event was ignored, the first too', () => {
    for (const range of [
      { from: 0, to: 0 },
      { from: 5, to: 5 },
    ]) {
      const ignored = { ...IGNORED, ...range };
      const data = utf8.encode(JSON.stringify(encodeIgnored(ignored)));
      expect(decode(EVENTS_IGNORED, data)).to.deep.equal({ kind: 'ignored', ignored });
    }
  });

  for (const [what, wrong] of [
    ['no anime', { animeId: 0 }],
    ['no time', { occurredAt: 7 }],
    ['a range backwards', { from: 6 }],
    ['a revision below none', { from: -1 }],
    ['half a revision', { to: 5.5 }],
    ['no reason', { reason: null }],
  ] as const) {
    it(`ignores no event because of ${what}`, () => {
      const data = utf8.encode(JSON.stringify({ ...encodeIgnored(IGNORED), ...wrong }));
      expect(decode(EVENTS_IGNORED, data)).to.have.property('kind', 'malformed');
    });
  }

  it('does not know EventsIgnored of a newer version', () => {
    const data = utf8.encode(JSON.stringify({ ...encodeIgnored(IGNORED), schemaVersion: 2 }));
    expect(decode(EVENTS_IGNORED, data)).to.include({ kind: 'unknown', isNewer: true });
  });

  const view = encode(events.view);
  const rating = encode(events.rating);
  for (const [type, stored, reason] of [
    ['ViewRegistered', [], 'data is not a JSON object'],
    ['ViewRegistered', { ...view, schemaVersion: '2' }, 'schemaVersion is not a number'],
    ['ViewRegistered', { ...view, animeId: 0 }, 'animeId is not an anime id'],
    ['ViewRegistered', { ...view, userId: ' ' }, 'userId is not a user id'],
    [
      'ViewRegistered',
      { ...view, durationSeconds: '7' },
      'durationSeconds is not 0 to 2,147,483,647 whole seconds',
    ],
    ['RatingGiven', { ...rating, rating: '8.75' }, 'rating is not a number from 1 to 10'],
    ['AnimeListed', { ...encode(events.listed), details: 1 }, 'details are not those of an anime'],
    ...[
      null,
      7,
      ['2026-11-24T10:00:00Z'],
      '2026-11-24',
      '2026-11-24T10:00:00+02:00',
      'x2026-11-24T10:00:00Z',
    ].map(
      (occurredAt) =>
        [
          'RatingGiven',
          { ...rating, occurredAt },
          'occurredAt is not an ISO 8601 time in UTC',
        ] as const,
    ),
    [
      'RatingGiven',
      { ...rating, occurredAt: '2026-11-24T10:00:00Zx' },
      'occurredAt is not an ISO 8601 time in UTC',
    ],
    [
      'RatingGiven',
      { ...rating, occurredAt: '2026-11-24T10:00:00.Z' },
      'occurredAt is not an ISO 8601 time in UTC',
    ],
  ] as const) {
    it(`says why ${type} cannot be read: ${JSON.stringify(stored).slice(0, 100)}`, () => {
      expect(decode(type, utf8.encode(JSON.stringify(stored)))).to.deep.equal({
        kind: 'malformed',
        type,
        reason,
      });
    });
  }

  it('keeps a time in UTC as it was stored, with or without a fraction', () => {
    for (const occurredAt of ['2026-11-24T10:00:00Z', '2026-11-24T10:00:00.123456789Z']) {
      const data = utf8.encode(JSON.stringify({ ...rating, occurredAt }));
      expect(decode('RatingGiven', data)).to.have.nested.property(
        'event.data.occurredAt',
        occurredAt,
      );
    }
  });

  it('does not know a type of others, whatever its data', () => {
    for (const type of ['SomethingElse', 'toString', '']) {
      expect(decode(type, utf8.encode('{'))).to.deep.equal({
        kind: 'unknown',
        type,
        isNewer: false,
      });
    }
  });

  it('says that bytes which are no UTF-8 or no JSON are malformed', () => {
    const latin1 = Buffer.from(JSON.stringify({ ...rating, userId: 'sp\u00efke' }), 'latin1');
    for (const data of [latin1, utf8.encode('{"animeId":')]) {
      const decoded = decode('RatingGiven', data);
      expect(decoded).to.include({ kind: 'malformed', type: 'RatingGiven' });
      expect(decoded).to.have.property('reason').that.is.a('string').and.is.not.empty;
    }
  });

  it('refuses version 1 with a time that is a number', () => {
    const data = utf8.encode(STORED_VIEW.replace(/"2025-[^"]*"/, '2025'));
    expect(decode('ViewRegistered', data)).to.include({ kind: 'malformed' });
  });

  it('refuses version 1 with text behind the offset of its time', () => {
    const data = utf8.encode(
      STORED_VIEW.replace(/"2025-[^"]*"/, '"2025-03-09 20:22:07+02:00 GMT"'),
    );
    expect(decode('ViewRegistered', data)).to.include({
      kind: 'malformed',
      reason: 'occurredAt is not an ISO 8601 time in UTC',
    });
  });

  it('refuses version 1 with a missing field', () => {
    const data = utf8.encode('{"anime_id": 1, "occurred_at": "2025-03-09T18:22:07"}');
    expect(decode('ClickRegistered', data)).to.include({
      kind: 'malformed',
      reason: 'userId is not a user id',
    });
  });
});

describe('an event that cannot be read', () => {
  const malformed = { kind: 'malformed', type: 'RatingGiven', reason: 'why not' } as const;
  const unknown = { kind: 'unknown', type: 'Other', isNewer: false } as const;
  const newer = { kind: 'unknown', type: 'RatingGiven version 9', isNewer: true } as const;
  const command = 'anime-analytics dead-letters ignore anime-1 7';

  for (const [decoded, why, remedy] of [
    [malformed, 'why not', `To go on without it: ${command}`],
    [
      unknown,
      'unknown type',
      `Upgrade if a newer version of this service wrote it. To go on without it: ${command}`,
    ],
    [
      newer,
      'its schema version is newer than this service',
      'Upgrade this service: a newer version of it wrote the event.',
    ],
  ] as const) {
    it(`is explained, with what to do about it: ${why}`, () => {
      expect(isUnreadable(decoded)).to.be.true;
      expect(whyUnreadable(decoded)).to.equal(why);
      expect(remedyFor(decoded, 'anime-1', 7n)).to.equal(remedy);
    });
  }

  it('is none that is a fact, or says what is ignored', () => {
    const ignored = { animeId: animeId(1), occurredAt: '', from: 0, to: 0, reason: '' };
    expect(isUnreadable({ kind: 'event', event: events.click })).to.be.false;
    expect(isUnreadable({ kind: 'ignored', ignored })).to.be.false;
  });
});
