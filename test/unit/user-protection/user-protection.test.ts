import { expect } from 'chai';
import { WrongMasterKeyError } from '../../../src/user-protection/ciphers.js';
import { openUserProtection } from '../../../src/user-protection/user-protection.js';
import type { UserKeys, UserPseudonym } from '../../../src/ports/user-protection.js';
import { openDocumentUsers, openRevealUser } from '../../../src/user-protection/user-protection.js';
import { encodeProtected, standInFor } from '../../../src/wire/protected-user.js';
import { encode } from '../../../src/wire/stream-event.js';
import { events, userId } from '../../support/examples.js';
import {
  aMasterKey,
  inMemoryUserKeys,
  protectingUsers,
} from '../../support/in-memory-user-keys.js';
import { rejectionOf } from '../../support/rejection-of.js';

const spike = userId('spike');
const faye = userId('faye');

describe('the protection of user ids', () => {
  it('gives a user one subject, another user another', async () => {
    const keys = inMemoryUserKeys();
    const users = await protectingUsers(keys);
    const one = await users.protect(spike);
    expect(await users.protect(spike)).to.include({ subject: one.subject });
    expect(users.known(spike)).to.include({ subject: one.subject });
    expect((await users.protect(faye)).subject).not.to.equal(one.subject);
    expect(keys.content()).not.to.contain('spike');
  });

  it('makes one key for commands of one user that come at the same time', async () => {
    const users = await protectingUsers();
    const all = await Promise.all([spike, spike, spike].map((user) => users.protect(user)));
    expect(new Set(all.map(({ subject }) => subject)).size).to.equal(1);
  });

  it('gives someone who was forgotten another subject, and reveals the old one no more', async () => {
    const keys = inMemoryUserKeys();
    const users = await protectingUsers(keys, MASTER);
    const reveal = await openRevealUser(keys, { current: MASTER });
    const dataOf = (user: UserPseudonym) =>
      Buffer.from(JSON.stringify(encodeProtected(events.click, user)));
    const before = await users.protect(spike);
    expect(await reveal(dataOf(before))).to.equal(spike);
    expect(await reveal(Buffer.from(JSON.stringify(encode(events.click))))).to.equal(undefined);
    await users.forget(before.subject);
    expect(users.known(spike)).to.equal(undefined);
    expect(await users.subjectOf(spike)).to.equal(null);
    expect(await reveal(dataOf(before))).to.equal(null);
    const after = await users.protect(spike);
    expect(after.subject).not.to.equal(before.subject);
    expect(after.salt).not.to.equal(before.salt);
    expect(await reveal(dataOf(after))).to.equal(spike);
    expect(await reveal(dataOf({ ...before, subject: after.subject }))).to.equal(null);
  });

  it('does not go on with a key that was destroyed while it was read', async () => {
    const keys = inMemoryUserKeys();
    const subject = (await (await protectingUsers(keys, MASTER)).protect(spike)).subject;
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const slow: UserKeys = {
      ...keys,
      find: async (hash) => {
        const found = await keys.find(hash);
        await held;
        return found;
      },
    };
    const users = await protectingUsers(slow, MASTER);
    const loading = users.protect(spike);
    await users.forget(subject);
    release();
    await loading;
    expect(users.known(spike)).to.equal(undefined);
    expect((await users.protect(spike)).subject).not.to.equal(subject);
  });

  it('keeps at most so many users in memory', async () => {
    const users = await openUserProtection({
      keys: inMemoryUserKeys(),
      masterKeys: { current: MASTER },
      knownUsers: 1,
    });
    await users.protect(spike);
    await users.protect(faye);
    expect(users.known(spike)).to.equal(undefined);
    expect(users.known(faye)).not.to.equal(undefined);
  });

  const MASTER = aMasterKey();

  it('refuses another master key, and writes nothing', async () => {
    const keys = inMemoryUserKeys();
    await protectingUsers(keys, MASTER);
    const before = keys.content();
    const other = { current: aMasterKey() };
    expect(await rejectionOf(protectingUsers(keys, other.current))).to.be.instanceOf(
      WrongMasterKeyError,
    );
    expect(await rejectionOf(openDocumentUsers(keys, other))).to.be.instanceOf(WrongMasterKeyError);
    expect(keys.content()).to.equal(before);
  });

  it('replaces the master key where it is given the one before it', async () => {
    const keys = inMemoryUserKeys();
    const { subject } = await (await protectingUsers(keys, MASTER)).protect(spike);
    const next = aMasterKey();
    const masterKeys = { current: next, previous: MASTER };
    expect(await (await openDocumentUsers(keys, masterKeys))(spike)).to.have.length(2);
    const replaced = await openUserProtection({ keys, masterKeys });
    expect(await replaced.subjectOf(spike)).to.equal(subject);
    expect(await (await protectingUsers(keys, next)).subjectOf(spike)).to.equal(subject);
    expect(await rejectionOf(protectingUsers(keys, MASTER))).to.be.instanceOf(WrongMasterKeyError);
  });

  it('finds the documents of a user under both of his names, until he is forgotten', async () => {
    const keys = inMemoryUserKeys();
    const usersOf = await openDocumentUsers(keys, { current: MASTER });
    expect(await usersOf(spike)).to.deep.equal([spike]);
    const users = await protectingUsers(keys, MASTER);
    const { subject } = await users.protect(spike);
    expect(await usersOf(spike)).to.deep.equal([spike, standInFor(subject)]);
    await users.forget(subject);
    expect(await usersOf(spike)).to.deep.equal([spike]);
  });
});
