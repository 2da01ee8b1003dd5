import { expect } from 'chai';
import fc from 'fast-check';
import { BSON, Long } from 'mongodb';
import { fallingPrecedence } from '../../../src/adapters/mongodb/document-store.js';
import {
  animeFrom,
  dayFrom,
  interactionFrom,
  storedAnime,
  storedDay,
  storedInteraction,
  type StoredAnime,
  type StoredDay,
  type StoredInteraction,
} from '../../../src/adapters/mongodb/stored-documents.js';
import {
  animeDocument,
  dayDocument,
  interactionDocument,
} from '../../contract/read-store/arbitraries.js';
import { animeId, COWBOY_BEBOP, userId } from '../../support/examples.js';
import { aDay, anAnimeDocument, anInteraction } from '../../support/read-store.js';

/** To the bytes that go over the wire and back. */
const sent = (document: object): unknown =>
  BSON.deserialize(BSON.serialize(document, { ignoreUndefined: true }));

describe('documents as MongoDB stores them', () => {
  it('are read back from their bytes as written', () => {
    fc.assert(
      fc.property(interactionDocument, dayDocument, animeDocument, (interaction, day, anime) => {
        const stored = sent(storedInteraction(interaction, -1)) as StoredInteraction;
        expect(interactionFrom(stored)).to.deep.equal(interaction);
        expect(dayFrom(sent(storedDay(day, -1)) as StoredDay)).to.deep.equal(day);
        expect(animeFrom(sent(storedAnime(anime, -1)) as StoredAnime)).to.deep.equal(anime);
      }),
    );
  });

  for (const [kind, stored] of [
    ['interactions', storedInteraction(anInteraction({ generation: 1, revision: 2 }), -3)],
    ['days', storedDay(aDay({ generation: 1, revision: 2 }), -3)],
    ['animes', storedAnime(anAnimeDocument({ generation: 1, revision: 2 }), -3)],
  ] as const) {
    it(`begin with their guard fields, in 64 bits: ${kind}`, () => {
      expect(Object.keys(stored)).to.deep.equal(['_id', 'd']);
      expect(Object.entries(stored.d).slice(0, 3)).to.deep.equal([
        ['generation', Long.fromNumber(1)],
        ['revision', Long.fromNumber(2)],
        ['precedence', Long.fromNumber(-3)],
      ]);
    });
  }

  it('have texts as ids', () => {
    const id = animeId(7);
    expect(storedAnime(anAnimeDocument({ animeId: id }), 0)._id).to.equal('7');
    expect(storedDay(aDay({ animeId: id }), 0)._id).to.equal('7:2026-11-24');
    const user = userId('a:b$c');
    expect(storedInteraction(anInteraction({ animeId: id, userId: user }), 0)._id).to.equal(
      '7:a:b$c',
    );
  });

  it('contain their search and rank fields', () => {
    const unknown = { ...COWBOY_BEBOP, title: 'ÉCOLE', type: null, popularity: null };
    expect(storedAnime(anAnimeDocument({ details: unknown }), 0).d).to.include({
      listed: true,
      average: null,
      titleKey: 'ecole',
      typeKey: null,
      popularityKey: Number.MAX_SAFE_INTEGER,
    });
    const genres = ['École', 'action', 'Action'];
    expect(
      storedAnime(anAnimeDocument({ details: { ...COWBOY_BEBOP, genres } }), 0).d.genreKeys,
    ).to.deep.equal(['ecole', 'action']);
    const rated = { ratingCount: 3, ratingSum: 2500, status: 'delisted' } as const;
    expect(storedAnime(anAnimeDocument(rated), 0).d).to.include({
      listed: false,
      average: 2500 / 3,
    });
    expect(storedDay(aDay({ clicks: 1, views: 2, ratings: 3 }), 0).d.total).to.equal(6);
  });
});

describe('the precedence of saves', () => {
  it('decreases from each to the next, even if the clock stops or goes back', () => {
    const times = [5, 5, 3, 9];
    const next = fallingPrecedence(() => new Date(times.shift() ?? 0));
    const given = [next(), next(), next(), next(), next()];
    expect(given).to.deep.equal([-5000, -5001, -5002, -9000, -9001]);
  });
});
