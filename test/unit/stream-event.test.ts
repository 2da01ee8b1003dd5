import { expect } from 'chai';
import type { RecordedEvent } from '../../src/ports/event-store.js';
import { decodeOf, encode, fromRecorded, NOT_OF_AN_ANIME } from '../../src/wire/stream-event.js';
import { encodeIgnored, EVENTS_IGNORED } from '../../src/wire/upcast.js';
import { animeId, AT, events } from '../support/examples.js';

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

const recorded: RecordedEvent = {
  stream: 'anime-1',
  revision: 7n,
  id: '7f6d2d6e-63a5-4c6e-8a3a-0f5a5a5e9f10',
  type: 'RatingGiven',
  data: json(encode(events.rating)),
  metadata: json({}),
  isJson: true,
  position: { commit: 42n, prepare: 41n },
  recordedAt: Date.parse(AT),
};

const ignored = { animeId: animeId(1), occurredAt: AT, from: 3, to: 5, reason: 'An experiment.' };
const anotherAnime = { kind: 'malformed', reason: 'animeId is not that of the stream' } as const;

describe('an event of an anime’s stream', () => {
  it('is read with its place, its time and its log', () => {
    const { stream, id, position, recordedAt } = recorded;
    const place = { stream, animeId: animeId(1), revision: 7, id, position, recordedAt };
    const decoded = { kind: 'event', event: events.rating };
    for (const logId of ['log', null]) {
      expect(fromRecorded(recorded, logId)).to.deep.equal({
        kind: 'event',
        event: { ...place, logId, decoded },
      });
    }
  });

  it('is not read from another stream', () => {
    for (const stream of ['anime-0', 'log-identity']) {
      expect(fromRecorded({ ...recorded, stream }, null)).to.deep.equal({
        kind: 'unreadable',
        reason: NOT_OF_AN_ANIME,
      });
    }
  });

  it('belongs to no anime where it names another than its stream', () => {
    expect(fromRecorded({ ...recorded, stream: 'anime-2' }, null))
      .to.have.nested.property('event.decoded')
      .that.deep.equals({ ...anotherAnime, type: 'RatingGiven' });
  });

  it('ignores events of its own stream alone', () => {
    const data = json(encodeIgnored(ignored));
    expect(decodeOf(animeId(1), EVENTS_IGNORED, data)).to.deep.equal({ kind: 'ignored', ignored });
    expect(decodeOf(animeId(2), EVENTS_IGNORED, data)).to.deep.equal({
      ...anotherAnime,
      type: EVENTS_IGNORED,
    });
  });

  it('that cannot be read stays as it is, since it names no anime', () => {
    expect(decodeOf(animeId(1), 'Unheard', json({ animeId: 2 }))).to.deep.equal({
      kind: 'unknown',
      type: 'Unheard',
      isNewer: false,
    });
    expect(decodeOf(animeId(1), 'RatingGiven', json([]))).to.deep.equal({
      kind: 'malformed',
      type: 'RatingGiven',
      reason: 'data is not a JSON object',
    });
  });
});
