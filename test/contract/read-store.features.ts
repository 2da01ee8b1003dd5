import type { ReadStore } from '../../src/ports/read-store.js';
import { crashClauses } from './read-store/crashing.js';
import { documentClauses } from './read-store/documents.js';
import { guardingClauses } from './read-store/guarding.js';
import { lifetimeClauses } from './read-store/lifetime.js';
import { listClauses } from './read-store/lists.js';
import { queryProperties } from './read-store/query-properties.js';
import { searchClauses } from './read-store/searching.js';
import type { OpenReadStore, ReadStoreTarget } from './read-store/target.js';
import { versionClauses } from './read-store/versions.js';

/** The promises of `ports/read-store.ts`, clause by clause. */
export const readStoreContract = (title: string, target: ReadStoreTarget): void => {
  describe(`read store: ${title}`, function () {
    this.timeout(60_000);
    let opened: OpenReadStore | undefined;
    const open = (): ReadStore => {
      if (opened === undefined) throw new Error('The target did not open.');
      return opened.store;
    };

    before(async () => {
      opened = await target.open();
      // The first version is active and cannot be removed, so the others can be.
      await opened.store.createVersion('first', 'log-1');
    });
    after(async () => {
      await opened?.stop();
    });

    describe('documents', () => documentClauses(target, open));
    describe('the guard', () => guardingClauses(target, open));
    describe('lists', () => listClauses(open));
    describe('search', () => searchClauses(open));
    describe('any catalogue', () => queryProperties(target, open));
    describe('versions', () => versionClauses(target));
    describe('positions, listeners and lifetime', () => lifetimeClauses(target, open));
    describe('a crash', () => crashClauses(target));
  });
};
