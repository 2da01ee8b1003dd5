import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { streamOf } from '../../../src/domain/ids.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import { UnavailableError } from '../../../src/ports/errors.js';
import type { EventStore, NewEvent } from '../../../src/ports/event-store.js';
import {
  createEraseUser,
  createForgottenUsers,
  FORGOTTEN_STREAM,
  forgottenSubjectIn,
} from '../../../src/user-protection/forgotten-users.js';
import { protectEvent } from '../../../src/user-protection/user-protection.js';
import { jsonObjectIn } from '../../../src/ports/json.js';
import { saltedBodyHash } from '../../../src/wire/protected-user.js';
import { encode } from '../../../src/wire/stream-event.js';
import { streamOfAnime } from '../../support/command-handler.js';
import { animeId, AT, events, userId } from '../../support/examples.js';
import { inMemoryEventStore } from '../../support/in-memory-event-store.js';
import { openRevealUser } from '../../../src/user-protection/user-protection.js';
import {
  aMasterKey,
  inMemoryUserKeys,
  protectingUsers,
} from '../../support/in-memory-user-keys.js';
import { rejectionOf } from '../../support/rejection-of.js';

const spike = userId('spike');
const faye = userId('faye');
const MASTER = aMasterKey();
const NOTHING = { events: 0, streams: [] };

const plainClick = (id: number, user = spike): NewEvent => ({
  id: randomUUID(),
  type: 'ClickRegistered',
  data: encode({
    type: 'ClickRegistered',
    data: { ...events.click.data, animeId: animeId(id), userId: user },
  }),
  metadata: {},
});

const setUp = async (given: { readonly store?: EventStore } = {}) => {
  const store = given.store ?? inMemoryEventStore();
  const keys = inMemoryUserKeys();
  const protection = await protectingUsers(keys, MASTER);
  const erase = createEraseUser({ store, protection, now: () => new Date(AT) });
  const forget = (subject: string) => protection.forget(subject);
  const forgotten = createForgottenUsers({ store, forget, logger: silentLogger() });
  return { store, keys, protection, erase, forgotten };
};

const forgottenSubjects = async (store: EventStore): Promise<(string | undefined)[]> => {
  const subjects: (string | undefined)[] = [];
  for await (const event of store.read(FORGOTTEN_STREAM)) subjects.push(forgottenSubjectIn(event));
  return subjects;
};

describe('an erasure', () => {
  it('is an event without the id, and destroys the key', async () => {
    const { store, protection, erase } = await setUp();
    const { subject } = await protection.protect(spike);
    expect(await erase(spike)).to.deep.equal(NOTHING);
    expect(await forgottenSubjects(store)).to.deep.equal([subject]);
    for await (const { data, metadata } of store.read(FORGOTTEN_STREAM)) {
      expect(Buffer.from(data).toString() + Buffer.from(metadata).toString()).not.to.contain(
        'spike',
      );
    }
    expect(await protection.subjectOf(spike)).to.equal(null);
  });

  it('of somebody unknown answers the same, and writes nothing', async () => {
    const { store, protection, erase } = await setUp();
    await protection.protect(faye);
    expect(await erase(spike)).to.deep.equal(NOTHING);
    expect(await erase(spike)).to.deep.equal(NOTHING);
    expect(await store.head(FORGOTTEN_STREAM)).to.equal('no_stream');
    expect(await protection.subjectOf(faye)).not.to.equal(null);
  });

  it('that ended after its event is finished by whoever reads the stream next', async () => {
    const { store, keys, protection, forgotten } = await setUp();
    const { subject } = await protection.protect(spike);
    const killed = { ...protection, forget: () => Promise.reject(new UnavailableError('killed')) };
    const erase = createEraseUser({ store, protection: killed, now: () => new Date(AT) });
    expect(await rejectionOf(erase(spike))).to.be.instanceOf(UnavailableError);
    expect(await protection.subjectOf(spike)).to.equal(subject);
    await forgotten.catchUp();
    expect(await protection.subjectOf(spike)).to.equal(null);
    expect(keys.content()).not.to.contain(subject);
  });

  it('that failed before its event has changed nothing, and may be repeated', async () => {
    const { store, protection } = await setUp();
    await protection.protect(spike);
    const down = { ...store, append: () => Promise.reject(new UnavailableError('down')) };
    const failing = createEraseUser({ store: down, protection, now: () => new Date(AT) });
    expect(await rejectionOf(failing(spike))).to.be.instanceOf(UnavailableError);
    expect(await protection.subjectOf(spike)).not.to.equal(null);
    await createEraseUser({ store, protection, now: () => new Date(AT) })(spike);
    expect(await protection.subjectOf(spike)).to.equal(null);
  });

  it('is kept by a key store that was restored from a copy made before it', async () => {
    const { store, keys, protection, erase } = await setUp();
    const { subject } = await protection.protect(spike);
    const copy = await keys.findSubject(subject);
    await erase(spike);
    if (copy !== null) await keys.keep(copy);
    expect(await protection.subjectOf(spike)).to.equal(subject);
    const forget = (each: string) => protection.forget(each);
    await createForgottenUsers({ store, forget, logger: silentLogger() }).catchUp();
    expect(await protection.subjectOf(spike)).to.equal(null);
  });

  it('does not take the key of someone who came back', async () => {
    const { protection, erase, forgotten } = await setUp();
    await protection.protect(spike);
    await erase(spike);
    const { subject } = await protection.protect(spike);
    await forgotten.catchUp();
    expect(await protection.subjectOf(spike)).to.equal(subject);
  });

  it('is appended whoever else appends to the stream at the same time', async () => {
    const { store, protection, erase } = await setUp();
    const users = Array.from({ length: 8 }, (_, index) => userId(`user-${index}`));
    for (const user of users) await protection.protect(user);
    await Promise.all(users.map((user) => erase(user)));
    expect(new Set(await forgottenSubjects(store)).size).to.equal(users.length);
  });

  it('names the events that hold the id in plain text, those appended since it looked, too', async () => {
    const { store, erase } = await setUp();
    expect(await erase(spike)).to.deep.equal(NOTHING);
    await store.append(streamOf(animeId(1)), 'no_stream', [plainClick(1), plainClick(1, faye)]);
    await store.append('another-stream', 'no_stream', [plainClick(1)]);
    expect(await erase(spike)).to.deep.equal({ events: 1, streams: ['anime-1'] });
    await store.append(streamOf(animeId(2)), 'no_stream', [plainClick(2), plainClick(2)]);
    const found = { events: 3, streams: ['anime-1', 'anime-2'] };
    expect(await erase(spike)).to.deep.equal(found);
    expect(await erase(spike)).to.deep.equal(found);
    expect(await erase(faye)).to.deep.equal({ events: 1, streams: ['anime-1'] });
  });
});

describe('the protected form of a stored event', () => {
  it('is that of a new event of the same user, and the same each time', async () => {
    const { store, keys, protection } = await setUp();
    await store.append(streamOf(animeId(1)), 'no_stream', [plainClick(1)]);
    const [stored] = await streamOfAnime(store, animeId(1));
    if (stored === undefined) expect.fail('It is not there.');
    const { data } = await protectEvent(stored, protection);
    const { subject } = await protection.protect(spike);
    expect(jsonObjectIn(data)).to.include({ schemaVersion: 3, animeId: 1, subject });
    expect(Buffer.from(data).toString()).not.to.contain('spike');
    const reveal = await openRevealUser(keys, { current: MASTER });
    expect(await reveal(data)).to.equal(spike);
    const another = await protectingUsers(keys, MASTER);
    expect((await protectEvent(stored, another)).data).to.deep.equal(data);
  });

  it('holds no hash against which a guess of the id could be checked', async () => {
    const { protection } = await setUp();
    const metadata = Buffer.from('{"commandId":"c","bodyHash":"plain"}');
    const data = Buffer.from(JSON.stringify(encode(events.click)));
    const plain = { stream: 'anime-1', type: 'ClickRegistered', data, metadata };
    const found = jsonObjectIn((await protectEvent(plain, protection)).metadata);
    const { userId } = events.click.data;
    const bodyHash = saltedBodyHash('plain', await protection.protect(userId));
    expect(found).to.deep.equal({ commandId: 'c', bodyHash });
  });

  it('is the event itself where there is no readable user id, or it is none of ours', async () => {
    const { protection } = await setUp();
    const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
    const isProtected = { ...encode(events.click), schemaVersion: 3, subject: 'a'.repeat(22) };
    for (const [type, value, stream] of [
      ['AnimeListed', encode(events.listed), 'anime-1'],
      ['ClickRegistered', isProtected, 'anime-1'],
      ['ClickRegistered', 'nonsense', 'anime-1'],
      ['Unknown', encode(events.click), 'anime-1'],
      ['ClickRegistered', encode(events.click), 'another-stream'],
    ] as const) {
      const event = { stream, type, data: bytes(value), metadata: bytes({}) };
      expect(await protectEvent(event, protection)).to.equal(event);
    }
  });
});
