import { expect } from 'chai';
import { OtherFingerprintError, PortError } from '../../../src/ports/errors.js';
import type { ReadStore } from '../../../src/ports/read-store.js';
import { animeId, userId } from '../../support/examples.js';
import { aBatch, anAnimeDocument } from '../../support/read-store.js';
import { rejectionOf } from '../../support/rejection-of.js';
import { using } from './given.js';
import type { ReadStoreTarget } from './target.js';

const one = animeId(1);
const NOT_FOUND = { code: 'NOT_FOUND', retriable: false };

/** What another release computes from the same events. */
const others = aBatch({ animes: [anAnimeDocument({ clicks: 77 })] });

const states = async (store: ReadStore) =>
  Object.fromEntries((await store.versions()).map(({ name, state }) => [name, state]));

export const versionClauses = (target: ReadStoreTarget): void => {
  /** Versions of one store affect each other, so each clause has its own store. */
  const withStore = (body: Parameters<typeof using>[1]) => using(target.open(), body);

  const withVersions = (names: readonly string[], body: Parameters<typeof using>[1]) =>
    withStore(async (store, reopen) => {
      for (const name of names) await store.createVersion(name, 'log-1');
      await body(store, reopen);
    });

  it('RS-13 has no version and none active at first', () =>
    withStore(async (store) => {
      expect(await store.versions()).to.deep.equal([]);
      expect(await store.active()).to.equal(null);
    }));

  it('RS-13 makes the first version active at once and others building', () =>
    withStore(async (store) => {
      const first = await store.createVersion('v1', 'log-1');
      const second = await store.createVersion('v2', 'log-2');
      expect(first).to.deep.include({ name: 'v1', state: 'active', logId: 'log-1' });
      expect(second).to.deep.include({ name: 'v2', state: 'building', logId: 'log-2' });
      expect(new Date(first.createdAt).toISOString()).to.equal(first.createdAt);
      expect(await store.active()).to.deep.equal(first);
      expect(await store.versions()).to.deep.equal([first, second]);
    }));

  it('RS-13 leaves an existing version of that name unchanged', () =>
    withVersions(['v1', 'v2'], async (store) => {
      await store.documents('v1').save(aBatch({ animes: [anAnimeDocument()] }));
      await store.promote('v2');
      const before = await store.versions();
      expect(await store.createVersion('v1', 'log-9')).to.deep.equal(before[0]);
      expect(await store.versions()).to.deep.equal(before);
      expect(await store.documents('v1').animes([one])).to.deep.equal([anAnimeDocument()]);
    }));

  it('RS-13 creates one version for many concurrent requests', () =>
    withStore(async (store) => {
      const asked = await Promise.all([1, 2, 3].map(() => store.createVersion('v1', 'log-1')));
      expect(await store.versions()).to.deep.equal([asked[0]]);
      expect(asked).to.deep.equal([asked[0], asked[0], asked[0]]);
    }));

  it('RS-13 keeps the documents of versions apart, whatever their names', () => {
    const names = ['v1', 'V1', 'v 1', '../v1', "v'1", 'v1.db', '$v'];
    return withVersions(names, async (store) => {
      for (const [clicks, name] of names.entries()) {
        await store.documents(name).save(aBatch({ animes: [anAnimeDocument({ clicks })] }));
      }
      for (const [clicks, name] of names.entries()) {
        expect(await store.queries(name).anime(one)).to.deep.equal(anAnimeDocument({ clicks }));
      }
    });
  });

  it('RS-14 promotes one version and marks the previous one old', () =>
    withVersions(['v1', 'v2', 'v3'], async (store) => {
      await store.markReady('v2');
      expect(await states(store)).to.deep.equal({ v1: 'active', v2: 'ready', v3: 'building' });
      await store.promote('v2');
      expect(await states(store)).to.deep.equal({ v1: 'old', v2: 'active', v3: 'building' });
      expect(await store.active()).to.have.property('name', 'v2');
    }));

  it('RS-14 promotes an old version again, and the active one without a change', () =>
    withVersions(['v1', 'v2'], async (store) => {
      await store.promote('v2');
      await store.promote('v2');
      expect(await states(store)).to.deep.equal({ v1: 'old', v2: 'active' });
      await store.promote('v1');
      expect(await states(store)).to.deep.equal({ v1: 'active', v2: 'old' });
    }));

  it('RS-14 marks only a building version as ready', () =>
    withVersions(['v1', 'v2'], async (store) => {
      await store.markReady('v1');
      expect(await states(store)).to.deep.equal({ v1: 'active', v2: 'building' });
    }));

  it('RS-21 rejects marking and promoting a missing version with NOT_FOUND, and changes nothing', () =>
    withVersions(['v1'], async (store) => {
      const refused = [store.promote('v9'), store.markReady('v9')];
      for (const error of await Promise.all(refused.map(rejectionOf))) {
        expect(error).to.be.instanceOf(PortError).and.to.include(NOT_FOUND);
      }
      expect(await states(store)).to.deep.equal({ v1: 'active' });
    }));

  it('RS-21 rejects reads and writes of a missing version with NOT_FOUND', () =>
    withVersions(['v1'], async (store) => {
      const documents = store.documents('v9');
      const refused: readonly Promise<unknown>[] = [
        documents.animes([one]),
        documents.save(aBatch({ animes: [anAnimeDocument()] })),
        documents.flushed(),
        documents.setFlushed({ commit: 1n, prepare: 1n }),
        documents.noteFed(new Date()),
        documents.fedAt(),
        store.queries('v9').anime(one),
        store.queries('v9').interactionsOf(userId('spike'), 10, null),
        store.queries('v9').activity({ from: '2026-11-24', to: '2026-11-24' }),
      ];
      for (const error of await Promise.all(refused.map(rejectionOf))) {
        expect(error).to.be.instanceOf(PortError).and.to.include(NOT_FOUND);
      }
    }));

  it('RS-21 rejects reads of a version that was pruned with NOT_FOUND', () =>
    withVersions(['v1', 'v2'], async (store) => {
      const documents = store.documents('v2');
      expect(await documents.animes([one])).to.deep.equal([]);
      await store.prune('v2');
      const error = await rejectionOf(documents.animes([one]));
      expect(error).to.be.instanceOf(PortError).and.to.include(NOT_FOUND);
    }));

  it('RS-14 remembers versions and which one is active', () =>
    withVersions(['v1', 'v2'], async (store, reopen) => {
      await store.promote('v2');
      const before = await store.versions();
      expect(await (await reopen()).versions()).to.deep.equal(before);
    }));

  it('RS-15 removes a version with its documents', () =>
    withVersions(['v1', 'v2'], async (store, reopen) => {
      await store.documents('v2').save(aBatch({ animes: [anAnimeDocument()] }));
      await store.prune('v2');
      expect(await states(store)).to.deep.equal({ v1: 'active' });
      const again = await reopen();
      await again.createVersion('v2', 'log-1');
      expect(await again.documents('v2').animes([one])).to.deep.equal([]);
      expect(await again.documents('v2').flushed()).to.equal(null);
    }));

  it('RS-15 refuses to remove the active version', () =>
    withVersions(['v1'], async (store) => {
      await store.documents('v1').save(aBatch({ animes: [anAnimeDocument()] }));
      const error = await rejectionOf(store.prune('v1'));
      expect(error)
        .to.be.instanceOf(PortError)
        .and.to.include({ code: 'REFUSED', retriable: false });
      expect(await store.documents('v1').animes([one])).to.deep.equal([anAnimeDocument()]);
    }));

  it('RS-15 does nothing for a missing version', () =>
    withVersions(['v1'], async (store) => {
      await store.prune('v9');
      expect(await states(store)).to.deep.equal({ v1: 'active' });
    }));

  it('RS-17 gives a version the fingerprint of the store that creates it, and keeps it', () =>
    withVersions(['v1'], async (store, reopen) => {
      const [first] = await store.versions();
      expect(first).to.have.property('fingerprint', store.fingerprint);
      const other = await reopen(others);
      expect(other.fingerprint).not.to.equal(store.fingerprint);
      expect(await other.createVersion('v1', 'log-1')).to.deep.equal(first);
      expect(await other.createVersion('v2', 'log-1')).to.include({
        state: 'building',
        fingerprint: other.fingerprint,
      });
      expect(await other.active()).to.deep.equal(first);
    }));

  it('RS-17 has the same fingerprint whenever it is opened', () =>
    withVersions(['v1'], async (store, reopen) => {
      expect((await reopen()).fingerprint).to.equal(store.fingerprint);
    }));

  it('RS-17 neither reads, writes nor promotes the documents of another fingerprint', () =>
    withVersions(['v1', 'v2'], async (store, reopen) => {
      const batch = aBatch({ animes: [anAnimeDocument()] });
      await store.documents('v2').save(batch);
      const other = await reopen(others);
      const documents = other.documents('v2');
      for (const ask of [
        () => documents.animes([one]),
        () => documents.save(batch),
        () => documents.flushed(),
        () => documents.noteFed(new Date()),
        () => other.queries('v2').anime(one),
        () => other.queries('v2').genres(),
        () => other.promote('v2'),
      ]) {
        expect(await rejectionOf(ask())).to.be.instanceOf(OtherFingerprintError);
      }
      expect(await states(other)).to.deep.equal({ v1: 'active', v2: 'building' });
    }));

  it('RS-17 leaves versions of another fingerprint unchanged for their release', () =>
    withVersions(['v1'], async (store, reopen) => {
      await store.documents('v1').save(aBatch({ animes: [anAnimeDocument()] }));
      const other = await reopen(others);
      await other.createVersion('v2', 'log-1');
      await other.promote('v2');
      const again = await reopen();
      expect(await again.queries('v1').anime(one)).to.deep.equal(anAnimeDocument());
      await again.promote('v1');
      expect(await states(again)).to.deep.equal({ v1: 'active', v2: 'old' });
    }));

  it('RS-17 prunes a version of another fingerprint', () =>
    withVersions(['v1', 'v2'], async (_, reopen) => {
      const other = await reopen(others);
      await other.prune('v2');
      expect(await states(await reopen(others))).to.deep.equal({ v1: 'active' });
    }));

  it('RS-18 has no heartbeat of a version at first, and then the last one noted', () =>
    withVersions(['v1', 'v2'], async (store) => {
      const documents = store.documents('v1');
      expect(await documents.fedAt()).to.equal(null);
      for (const at of [new Date(1_795_000_000_000), new Date(1_795_000_005_000)]) {
        await documents.noteFed(at);
        expect(await documents.fedAt()).to.deep.equal(at);
      }
      expect(await store.documents('v2').fedAt()).to.equal(null);
      expect(await documents.flushed()).to.equal(null);
    }));

  it('RS-19 has one identity per store, however often it is opened', () =>
    withStore(async (store, reopen) => {
      const [identity = '', ...again] = await Promise.all([1, 2, 3].map(() => store.identity()));
      expect(identity).to.match(/^[0-9a-f]{12,}$/);
      expect(again).to.deep.equal([identity, identity]);
      expect(await (await reopen()).identity()).to.equal(identity);
      await withStore(async (other) => {
        expect(await other.identity()).not.to.equal(identity);
      });
    }));

  it('RS-20 gives a version a group that begins with its name and that no other store has', () =>
    withVersions(['v1', 'v2'], async (store, reopen) => {
      const groups = (await store.versions()).map(({ group }) => group);
      expect(groups[0]).to.match(/^v1-./);
      expect(groups[1]).to.match(/^v2-./);
      expect((await (await reopen()).versions()).map(({ group }) => group)).to.deep.equal(groups);
      await withVersions(['v1'], async (other) => {
        expect(groups).not.to.include((await other.active())?.group);
      });
    }));
};
