import { expect } from 'chai';
import { UnavailableError } from '../../src/ports/errors.js';
import type { AnimeDocument, ReadQueries } from '../../src/ports/read-store.js';
import {
  createRevisionWaiter,
  type RevisionWaiterOptions,
} from '../../src/query-side/read-your-writes/revision-waiter.js';
import { animeId } from '../support/examples.js';
import { eventually } from '../support/eventually.js';
import { rejectionOf } from '../support/rejection-of.js';

const bebop = animeId(1);
const NEVER_MS = 3_600_000;

/** One anime's document and the store's push, moved by hand; look-ups are counted. */
const given = (start: number | null, options: Partial<RevisionWaiterOptions> = {}) => {
  const listeners = new Set<(animes: readonly AnimeDocument[]) => void>();
  let revision = start;
  let lookUps = 0;
  let failure: Error | undefined;
  const document = () => ({ animeId: bebop, revision }) as AnimeDocument;
  const queries = {
    anime: () => {
      lookUps += 1;
      if (failure !== undefined) return Promise.reject(failure);
      return Promise.resolve(revision === null ? null : document());
    },
  } as unknown as ReadQueries;
  const readStore: RevisionWaiterOptions['readStore'] = {
    onSaved: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  const waiter = createRevisionWaiter({
    readStore,
    waitMs: NEVER_MS,
    poll: { baseMs: NEVER_MS, maxMs: NEVER_MS },
    ...options,
  });
  return {
    read: (minRevision: number, version = 'v1') =>
      waiter.read({ version, queries }, bebop, minRevision),
    save: (to: number, { pushed = true } = {}) => {
      revision = to;
      if (pushed) for (const listener of listeners) listener([document()]);
    },
    fail: (error: Error) => (failure = error),
    lookUps: () => lookUps,
    listeners: () => listeners.size,
  };
};

describe('waiting for a revision', () => {
  it('returns at once what is already there', async () => {
    const store = given(7);
    expect(await store.read(7)).to.have.property('revision', 7);
    expect(await store.read(3)).to.have.property('revision', 7);
  });

  it('is woken by the save with the revision', async () => {
    const store = given(4);
    const reading = store.read(6);
    await eventually(() => expect(store.lookUps()).to.equal(1));
    store.save(5);
    await eventually(() => expect(store.lookUps()).to.equal(2));
    store.save(6);
    expect(await reading).to.have.property('revision', 6);
  });

  it('waits for an anime that does not exist yet', async () => {
    const store = given(null);
    const reading = store.read(0);
    store.save(0);
    expect(await reading).to.have.property('revision', 0);
  });

  it('misses no save made during a look-up', async () => {
    const store = given(4);
    const reading = store.read(5);
    store.save(5);
    expect(await reading).to.have.property('revision', 5);
  });

  it('shares one look-up among a hundred waiters', async () => {
    const store = given(4);
    const readings = Array.from({ length: 100 }, () => store.read(5));
    await eventually(() => expect(store.lookUps()).to.equal(1));
    store.save(5);
    const documents = await Promise.all(readings);
    expect(new Set(documents.map(({ revision }) => revision))).to.deep.equal(new Set([5]));
    expect(store.lookUps()).to.equal(2);
  });

  it('polls where another process saves', async () => {
    const store = given(4, { poll: { baseMs: 1, maxMs: 5 } });
    const reading = store.read(5);
    store.save(5, { pushed: false });
    expect(await reading).to.have.property('revision', 5);
  });

  it('times out with STALE_READ', async () => {
    const store = given(4, { waitMs: 5 });
    expect(await rejectionOf(store.read(5))).to.deep.include({
      message: 'Anime 1 has not reached revision 5 here yet; try again shortly.',
      extensions: { code: 'STALE_READ', animeId: 1, minRevision: '5' },
    });
  });

  it('resolves waiters whose revision is there and keeps the others waiting', async () => {
    const store = given(4);
    const [early, late] = [store.read(5), store.read(6)];
    store.save(5);
    expect(await early).to.have.property('revision', 5);
    store.save(6);
    expect(await late).to.have.property('revision', 6);
  });

  it('passes a failure of the store on to all waiters', async () => {
    const store = given(4);
    const failure = new UnavailableError('The store is down.');
    const readings = [store.read(5), store.read(6)].map(rejectionOf);
    await eventually(() => expect(store.lookUps()).to.equal(1));
    store.fail(failure);
    store.save(5);
    expect(await Promise.all(readings)).to.deep.equal([failure, failure]);
  });

  it('looks up once without waiting beyond its maximum number of waiters', async () => {
    const store = given(4, { maxWaiters: 1 });
    const first = store.read(5);
    expect(await rejectionOf(store.read(5))).to.have.nested.property(
      'extensions.code',
      'STALE_READ',
    );
    expect(await store.read(4)).to.have.property('revision', 4);
    store.save(5);
    expect(await first).to.have.property('revision', 5);
  });

  it('keeps versions of the read models apart', async () => {
    const store = given(4);
    const readings = [store.read(5, 'v1'), store.read(5, 'v2')];
    await eventually(() => expect(store.lookUps()).to.equal(2));
    store.save(5);
    await Promise.all(readings);
    expect(store.lookUps()).to.equal(4);
  });

  it('stops listening without waiters', async () => {
    const store = given(4);
    const reading = store.read(5);
    expect(store.listeners()).to.equal(1);
    store.save(5);
    await reading;
    expect(store.listeners()).to.equal(0);
  });
});
