import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { UserKey, UserKeys } from '../../src/ports/user-protection.js';
import { UnavailableError } from '../../src/ports/errors.js';
import { rejectionOf } from '../support/rejection-of.js';

export interface OpenedUserKeys {
  readonly keys: UserKeys;
  /** The same key store as another process sees it. */
  another(): Promise<UserKeys>;
  stop(): Promise<void>;
}

const aKey = (given: Partial<UserKey> = {}): UserKey => ({
  hash: randomUUID(),
  subject: randomUUID(),
  wrappedKey: randomUUID(),
  ...given,
});

/** The promises of `ports/user-protection.ts`. */
export const userKeysContract = (
  title: string,
  open: (context: Mocha.Context) => Promise<OpenedUserKeys>,
): void => {
  describe(`key store: ${title}`, function () {
    this.timeout(60_000);
    let opened: OpenedUserKeys | undefined;
    const target = (): OpenedUserKeys => {
      if (opened === undefined) throw new Error('The target did not open.');
      return opened;
    };
    const keys = (): UserKeys => target().keys;

    beforeEach(async function () {
      opened = await open(this);
    });
    afterEach(() => opened?.stop());

    it('UK-1 keeps the first key of a hash, whoever comes later', async () => {
      const first = aKey();
      expect(await keys().keep(first)).to.deep.equal(first);
      expect(await keys().keep(aKey({ hash: first.hash }))).to.deep.equal(first);
      expect(await keys().find(first.hash)).to.deep.equal(first);
    });

    it('UK-1 answers one key to all that keep one of a hash at the same time', async () => {
      const other = await target().another();
      const hash = randomUUID();
      const kept = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          (index % 2 === 0 ? keys() : other).keep(aKey({ hash })),
        ),
      );
      expect(new Set(kept.map(({ subject }) => subject)).size).to.equal(1);
      expect(await other.find(hash)).to.deep.equal(kept[0]);
    });

    it('UK-2 finds a kept key by its hash and by its subject, in another process too', async () => {
      const [one, two] = [aKey(), aKey()];
      await Promise.all([keys().keep(one), keys().keep(two)]);
      for (const each of [keys(), await target().another()]) {
        expect(await each.find(one.hash)).to.deep.equal(one);
        expect(await each.findSubject(two.subject)).to.deep.equal(two);
        expect(await each.find(two.subject)).to.equal(null);
        expect(await each.findSubject(one.hash)).to.equal(null);
      }
    });

    it('UK-3 removes the key of a subject for every process, and takes another one then', async () => {
      const other = await target().another();
      const [gone, stays] = [aKey(), aKey()];
      await Promise.all([keys().keep(gone), keys().keep(stays)]);
      await keys().remove(gone.subject);
      await keys().remove(gone.subject);
      for (const each of [keys(), other]) {
        expect(await each.find(gone.hash)).to.equal(null);
        expect(await each.findSubject(gone.subject)).to.equal(null);
        expect(await each.find(stays.hash)).to.deep.equal(stays);
      }
      const next = aKey({ hash: gone.hash });
      expect(await other.keep(next)).to.deep.equal(next);
    });

    it('UK-4 keeps the first store key, for any number of processes', async () => {
      const other = await target().another();
      expect(await keys().storeKey()).to.equal(null);
      const kept = await Promise.all([keys().keepStoreKey('one'), other.keepStoreKey('two')]);
      expect(kept[0]).to.equal(kept[1]);
      expect(await keys().keepStoreKey('three')).to.equal(kept[0]);
      expect(await other.storeKey()).to.equal(kept[0]);
    });

    it('UK-5 replaces the store key only if it is the given one', async () => {
      await keys().keepStoreKey('one');
      await keys().replaceStoreKey('another', 'two');
      expect(await keys().storeKey()).to.equal('one');
      await keys().replaceStoreKey('one', 'two');
      expect(await (await target().another()).storeKey()).to.equal('two');
    });

    it('UK-6 rejects after it was closed, and may be closed twice', async () => {
      const closed = await target().another();
      await Promise.all([closed.close(), closed.close()]);
      for (const ask of [
        () => closed.find('a'),
        () => closed.keep(aKey()),
        () => closed.remove('a'),
        () => closed.storeKey(),
        () => closed.ping(),
      ]) {
        expect(await rejectionOf(ask())).to.be.instanceOf(UnavailableError);
      }
    });
  });
};
