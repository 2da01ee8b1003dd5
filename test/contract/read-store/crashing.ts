import { expect } from 'chai';
import type { ReadStore } from '../../../src/ports/read-store.js';
import { clause } from '../event-store/target.js';
import { collect, using } from './given.js';
import { USERS } from './keep-saving.js';
import type { ReadStoreTarget } from './target.js';

/** Several kills, because each hits at random. */
const KILLS = 6;

export const crashClauses = (target: ReadStoreTarget): void => {
  clause(
    'RS-3 RS-5 has, after a crash, every part of an anime document and all that a flushed position covers',
    target.killWhileSaving,
    async (killWhileSaving) => {
      for (let kill = 0; kill < KILLS; kill++) {
        await using(killWhileSaving(), expectNothingTorn);
      }
    },
  ).timeout(120_000);
};

const expectNothingTorn = async (store: ReadStore): Promise<void> => {
  const active = await store.active();
  const documents = store.documents(active?.name ?? 'none');
  const flushed = Number((await documents.flushed())?.commit ?? 0n);
  const animes = await collect(documents.allAnimes());

  expect(flushed).to.be.greaterThan(0);
  expect(animes).to.have.length(3);
  for (const { animeId, revision } of animes) {
    expect(revision).to.be.at.least(flushed);
    const interactions = await collect(documents.allInteractions(animeId));
    const days = await collect(documents.allDays(animeId));
    expect(interactions).to.have.length(USERS.length);
    expect(days).to.have.length(2);
    const oldest = Math.min(...[...interactions, ...days].map((part) => part.revision));
    expect(oldest).to.be.at.least(revision);
  }
};
