import { expect } from 'chai';
import {
  BODY_HASH_LENGTH,
  encodeProtected,
  isUserEvent,
  saltedBodyHash,
  standInFor,
  standInIn,
} from '../../src/wire/protected-user.js';
import { decode } from '../../src/wire/stream-event.js';
import { animeId, AT, events } from '../support/examples.js';

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

const subject = 'Ab_-Ab_-Ab_-Ab_-Ab_-01';
const user = { subject, encryptedId: 'secret' };

describe('the protected form of an interaction', () => {
  const named = {
    schemaVersion: 3,
    animeId: animeId(1),
    occurredAt: AT,
    subject,
    userIdEncrypted: 'secret',
  };
  for (const [event, own] of [
    [events.click, {}],
    [events.view, { durationSeconds: 1440 }],
    [events.rating, { rating: 8.75 }],
  ] as const) {
    it(`has a subject for a user id, and what else the event says: ${event.type}`, () => {
      const data = encodeProtected(event, user);
      expect(data).to.deep.equal({ ...named, ...own });
      expect(decode(event.type, json(data))).to.deep.equal({
        kind: 'event',
        event: { ...event, data: { ...event.data, userId: standInFor(subject) } },
      });
    });
  }

  it('is unreadable without a subject, and no form of an event without a user', () => {
    const nameless = { ...named, subject: undefined };
    expect(decode('ClickRegistered', json(nameless))).to.include({
      reason: 'userId is not a user id',
    });
    expect(decode('ClickRegistered', json({ ...nameless, subject: 'x' }))).to.include({
      reason: 'subject is not a subject',
    });
    expect(decode('AnimeDelisted', json({ ...named, ...events.delisted.data }))).to.include({
      kind: 'unknown',
      isNewer: true,
    });
  });

  it('is that of events with a user alone', () => {
    const { listed, revised, delisted, click, view, rating } = events;
    expect([click, view, rating].map(isUserEvent)).to.deep.equal([true, true, true]);
    expect([listed, revised, delisted].map(isUserEvent)).to.deep.equal([false, false, false]);
  });
});

describe('a subject', () => {
  it('is 22 characters of base64url', () => {
    expect(standInIn(subject)).to.equal(standInFor(subject));
  });

  for (const value of [
    ...[subject.slice(1), `${subject}0`, ` ${subject}`, `${subject}\n`, `+${subject.slice(1)}`],
    ...[undefined, null, 7, [subject]],
  ]) {
    it(`is not ${JSON.stringify(value)}`, () => {
      expect(standInIn(value)).to.equal(undefined);
    });
  }
});

describe('the salted hash of a body', () => {
  const salt = 'salt';

  it('is 128 bits in base64url, and another for another salt or body', () => {
    const hash = saltedBodyHash('body', { salt });
    expect(hash).to.match(/^[\w-]+$/);
    expect(hash).to.have.length(22).and.to.have.length(BODY_HASH_LENGTH);
    expect(saltedBodyHash('body', { salt })).to.equal(hash);
    expect(saltedBodyHash('another', { salt })).not.to.equal(hash);
    expect(saltedBodyHash('body', { salt: 'sale' })).not.to.equal(hash);
  });
});
