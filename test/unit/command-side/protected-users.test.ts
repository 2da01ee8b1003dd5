import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'chai';
import { PortError, UnavailableError } from '../../../src/ports/errors.js';
import type { EventStore } from '../../../src/ports/event-store.js';
import type { UserProtection } from '../../../src/ports/user-protection.js';
import { isUserId } from '../../../src/domain/ids.js';
import { decode } from '../../../src/wire/stream-event.js';
import {
  freshAnime,
  handlerOver,
  openStore,
  parsed,
  streamOfAnime,
  withKey,
} from '../../support/command-handler.js';
import { eventually } from '../../support/eventually.js';
import { userId } from '../../support/examples.js';
import { withHeldRead } from '../../support/faulty-event-store.js';
import { protectingUsers } from '../../support/in-memory-user-keys.js';
import { recordingLogger } from '../../support/recording-logger.js';
import { rejectionOf } from '../../support/rejection-of.js';

describe('commands where user ids are protected', () => {
  let opened: Awaited<ReturnType<typeof openStore>>;
  before(async () => (opened = await openStore()));
  after(() => opened.close());

  const setUp = async (users: UserProtection) => {
    const anime = freshAnime();
    const handler = handlerOver(opened.store, {}, undefined, users);
    await handler.send(anime.list);
    const dataOf = async () =>
      (await streamOfAnime(opened.store, anime.id)).slice(1).map(({ data }) => parsed(data));
    return { anime, handler, dataOf };
  };

  it('append events that name a subject, the same for all of one user', async () => {
    const users = await protectingUsers();
    const { anime, handler } = await setUp(users);
    for (const command of [anime.click, anime.view, anime.rating]) {
      expect(await handler.send(command)).to.include({ kind: 'accepted' });
    }
    const { subject } = await users.protect(anime.click.userId);
    const stored = await streamOfAnime(opened.store, anime.id);
    for (const { type, data, metadata } of stored.slice(1)) {
      expect(parsed(data)).to.include({ schemaVersion: 3, subject });
      expect(Buffer.from(data).toString() + Buffer.from(metadata).toString()).not.to.contain(
        anime.click.userId,
      );
      const decoded = decode(type, data);
      if (decoded.kind !== 'event' || !('userId' in decoded.event.data)) throw new Error(type);
      expect(isUserId(decoded.event.data.userId)).to.equal(false);
    }
    await handler.drain();
  });

  it('replay for an Idempotency-Key, whose stored hash is salted by the key of the user', async () => {
    const users = await protectingUsers();
    const { anime, handler } = await setUp(users);
    await handler.send(anime.click, withKey('a', 'the-hash-of-the-body'));
    const again = await handler.send(anime.click, withKey('a', 'the-hash-of-the-body'));
    expect(again).to.include({ kind: 'replayed' });
    const another = handlerOver(opened.store, {}, undefined, users);
    const replayed = await another.send(anime.click, withKey('a', 'the-hash-of-the-body'));
    expect(replayed).to.include({ kind: 'replayed' });
    expect(await another.send(anime.click, withKey('a', 'other'))).to.include({
      kind: 'key-reused',
    });
    const [, click] = await streamOfAnime(opened.store, anime.id);
    expect(parsed(click?.metadata ?? new Uint8Array()))
      .to.have.property('bodyHash')
      .of.length(22);
    expect(Buffer.from(click?.metadata ?? []).toString()).not.to.contain('the-hash-of-the-body');
    await Promise.all([handler.drain(), another.drain()]);
  });

  it('keep their order while the key of one is looked up', async () => {
    const known = await protectingUsers();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const slow: UserProtection = {
      known: (user) => known.known(user),
      protect: async (user) => {
        await held;
        return known.protect(user);
      },
    };
    const fast = userId('fast');
    await known.protect(fast);
    const { anime, handler, dataOf } = await setUp(slow);
    const sent = [
      handler.send(anime.click),
      handler.send({ ...anime.click, userId: fast }),
      handler.send({ ...anime.view, userId: fast }),
    ];
    release();
    await Promise.all(sent);
    const subjects = (await dataOf()) as { readonly subject: string }[];
    const first = await known.protect(anime.click.userId);
    const second = await known.protect(fast);
    expect(subjects.map(({ subject }) => subject)).to.deep.equal([
      first.subject,
      second.subject,
      second.subject,
    ]);
    await handler.drain();
  });

  it('are not decided before their user is known, even if they came during a read', async () => {
    const known = await protectingUsers();
    let reveal = (): void => undefined;
    const revealed = new Promise<void>((resolve) => (reveal = resolve));
    const slow: UserProtection = {
      known: (user) => known.known(user),
      protect: async (user) => {
        await revealed;
        return known.protect(user);
      },
    };
    const { anime, dataOf } = await setUp(slow);
    const { holding, holdNext, isHeld, release } = withHeldRead(opened.store);
    const restarted = handlerOver(holding, {}, undefined, slow);
    holdNext();
    const revised = restarted.send({ ...anime.list, details: { title: 'Revised' } });
    await eventually(() => expect(isHeld()).to.be.true);
    const clicked = restarted.send(anime.click);
    const delisted = restarted.send(anime.delist);
    release();
    expect(await revised).to.include({ kind: 'accepted', revision: 1n });
    reveal();
    expect(await clicked).to.include({ kind: 'accepted', revision: 2n });
    expect(await delisted).to.include({ kind: 'accepted', revision: 3n });
    expect(JSON.stringify(await dataOf())).not.to.contain(anime.click.userId);
    await restarted.drain();
  });

  it('are unavailable while the key store is, but for users in memory and the catalogue', async () => {
    const users = await protectingUsers();
    const down: UserProtection = {
      known: (user) => users.known(user),
      protect: () => Promise.reject(new UnavailableError('down')),
    };
    const known = userId('known');
    await users.protect(known);
    const { anime, handler, dataOf } = await setUp(down);
    expect(await handler.send(anime.click)).to.deep.equal({ kind: 'user-key-unavailable' });
    expect(await handler.send({ ...anime.click, userId: known })).to.include({ kind: 'accepted' });
    expect(await handler.send(anime.delist)).to.include({ kind: 'accepted' });
    expect(await dataOf()).to.have.length(2);
    await handler.drain();
  });

  it('read nothing while their user is looked up', async () => {
    const users = await protectingUsers();
    let reveal = (): void => undefined;
    const revealed = new Promise<void>((resolve) => (reveal = resolve));
    let isRevealed = false;
    const readLater: EventStore = {
      ...opened.store,
      read: (...asked) => {
        if (!isRevealed) throw new Error('This is too early to read.');
        return opened.store.read(...asked);
      },
    };
    const { anime } = await setUp(users);
    const { send } = handlerOver(readLater, {}, undefined, {
      known: () => undefined,
      protect: (user) => revealed.then(() => users.protect(user)),
    });
    const clicked = send(anime.click);
    await nextTurn();
    isRevealed = true;
    reveal();
    expect(await clicked).to.include({ kind: 'accepted' });
  });

  it('are told that the key of their user is missing where it does not come in time', async () => {
    const { anime, handler } = await setUp({
      known: () => undefined,
      protect: () => new Promise(() => undefined),
    });
    expect(await handler.send(anime.click, { deadlineMs: 20 })).to.deep.equal({
      kind: 'user-key-unavailable',
    });
  });

  it('reject for a bug in the look-up of their user', async () => {
    const bug = new TypeError('x is not a function');
    const { anime, handler } = await setUp({
      known: () => undefined,
      protect: () => Promise.reject(bug),
    });
    expect(await rejectionOf(handler.send(anime.click))).to.equal(bug);
  });

  for (const [what, error, told] of [
    [
      'once, that the key store is away',
      new UnavailableError('The key store does not respond.'),
      ['warn Keys of users are not available', 'info Keys of users are available again'],
    ],
    [
      'each time, that a key cannot be used',
      new PortError('CORRUPT', 'A key in the key store cannot be opened.', false),
      ['error The key of a user cannot be used', 'error The key of a user cannot be used'],
    ],
  ] as const) {
    it(`say in the log ${what}`, async () => {
      const users = await protectingUsers();
      let fails = true;
      const failing: UserProtection = {
        known: (user) => users.known(user),
        protect: (user) => (fails ? Promise.reject(error) : users.protect(user)),
      };
      const { logger, told: lines } = recordingLogger();
      const anime = freshAnime();
      const { send, drain } = handlerOver(opened.store, {}, logger, failing);
      await send(anime.list);
      await send(anime.click);
      await send(anime.click);
      fails = false;
      expect(await send(anime.click)).to.include({ kind: 'accepted' });
      expect(lines()).to.deep.equal(told);
      await drain();
    });
  }
});
