import { expect } from 'chai';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import type { AnimeId } from '../../../src/domain/ids.js';
import type { AnimeDocument } from '../../../src/ports/read-store.js';
import { createLiveAnime } from '../../../src/query-side/subscriptions/live-anime.js';
import { animeId } from '../../support/examples.js';
import { eventually } from '../../support/eventually.js';
import { anAnimeDocument, openTemporaryReadStore, aBatch } from '../../support/read-store.js';

describe('the documents that subscriptions watch', () => {
  let opened: Awaited<ReturnType<typeof openTemporaryReadStore>>;
  let asked: (readonly AnimeId[])[];
  let tops: number[];
  let listeners: Set<(ids: readonly AnimeId[] | null) => void>;

  beforeEach(async () => {
    opened = await openTemporaryReadStore();
    await opened.store.createVersion('v1', 'log');
    asked = [];
    tops = [];
    listeners = new Set();
  });
  afterEach(() => opened.stop());

  const save = (...animes: AnimeDocument[]) =>
    opened.store.documents('v1').save(aBatch({ animes }));

  const live = () => {
    const { store } = opened;
    const queries = store.queries('v1');
    return createLiveAnime({
      logger: silentLogger(),
      everyMs: 5,
      activeReadModels: () =>
        Promise.resolve({
          version: 'v1',
          queries: {
            ...queries,
            topByViews: (limit) => {
              tops.push(limit);
              return queries.topByViews(limit);
            },
          },
        }),
      readStore: {
        documents: (version) => {
          const documents = store.documents(version);
          return {
            ...documents,
            animes: (ids) => {
              asked.push(ids);
              return documents.animes(ids);
            },
          };
        },
        onChanged: (listener) => {
          listeners.add(listener);
          return () => void listeners.delete(listener);
        },
      },
    });
  };

  const changed = (ids: readonly AnimeId[] | null) => listeners.forEach((tell) => tell(ids));

  it('are read together, whatever the number of subscriptions', async () => {
    await save(...[1, 2, 3].map((id) => anAnimeDocument({ animeId: animeId(id), views: id })));
    const anime = live();
    const told: number[] = [];
    const lists: number[] = [];
    const stops = Array.from({ length: 90 }, (_, n) =>
      anime.watch(animeId((n % 3) + 1), (document) => told.push(document?.animeId ?? 0)),
    );
    for (const limit of [1, 2]) {
      stops.push(anime.watchTop(limit, (documents) => lists.push(documents.length)));
    }
    await eventually(() => expect(told).to.have.length.at.least(90));
    await eventually(() => expect(lists).to.include.members([1, 2]));
    const [before, listed] = [asked.length, tops.length];
    changed(null);
    await eventually(() => expect(asked.length).to.equal(before + 1));
    await eventually(() => expect(tops.slice(listed)).to.deep.equal([2]));
    expect(asked.at(-1)).to.have.members([1, 2, 3].map(animeId));
    expect(listeners.size).to.equal(1);
    for (const stop of stops) stop();
    expect(listeners.size).to.equal(0);
  });

  it('are not read where another anime has changed', async () => {
    const anime = live();
    const told: unknown[] = [];
    const stop = anime.watch(animeId(1), (document) => told.push(document));
    await eventually(() => expect(told).to.deep.equal([null]));
    const before = asked.length;
    changed([animeId(2)]);
    changed([animeId(1)]);
    await eventually(() => expect(told).to.have.length(2));
    expect(asked.slice(before)).to.deep.equal([[1]]);
    stop();
  });
});
