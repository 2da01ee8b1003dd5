import { expect } from 'chai';
import { cachedAnimeOf, foldRun, isOlder } from '../../src/read-side/projector/fold.js';
import type { StreamEvent } from '../../src/wire/stream-event.js';
import { animeId, AT, events, userId } from '../support/examples.js';
import { anAnimeDocument } from '../support/read-store.js';

const rating = (revision: number): StreamEvent => ({
  stream: 'anime-1',
  animeId: animeId(1),
  revision,
  id: `event-${revision}`,
  position: { commit: BigInt(revision), prepare: BigInt(revision) },
  logId: null,
  recordedAt: 0,
  decoded: { kind: 'event', event: events.rating },
});

const spike = userId('spike');

describe('folding a run', () => {
  const run = Array.from({ length: 10 }, (_, revision) => rating(revision));
  const whole = foldRun(cachedAnimeOf(animeId(1), 0, null), run);

  it('keeps every rating above the saved anime and the newest one below', () => {
    const half = foldRun(cachedAnimeOf(animeId(1), 0, null), run.slice(0, 5));
    const cached = cachedAnimeOf(animeId(1), 0, half.anime);
    for (const user of whole.interactions) cached.parts.users.set(user.userId, user);
    const folded = foldRun(cached, [...run.slice(5), rating(10)]);
    const [user] = folded.interactions;
    expect(user?.ratings.map(({ revision }) => revision)).to.deep.equal([4, 5, 6, 7, 8, 9, 10]);
  });

  it('keeps parts that are ahead, and computes the same anime', () => {
    const half = foldRun(cachedAnimeOf(animeId(1), 0, null), run.slice(0, 5));
    const cached = cachedAnimeOf(animeId(1), 0, half.anime);
    for (const user of whole.interactions) cached.parts.users.set(user.userId, user);
    for (const day of whole.days) cached.parts.days.set(day.day, day);
    const folded = foldRun(cached, run.slice(5));
    expect(folded).to.deep.include({ interactions: [], days: [], anime: whole.anime });
  });

  it('changes none of the documents it started with', () => {
    const cached = cachedAnimeOf(animeId(1), 0, whole.anime);
    for (const user of whole.interactions) cached.parts.users.set(user.userId, user);
    const before = structuredClone([whole.anime, ...whole.interactions]);
    foldRun(cached, [rating(10)]);
    expect([whole.anime, ...whole.interactions]).to.deep.equal(before);
    expect(cached.parts.users.get(spike)?.ratings.at(-1)).to.deep.equal({
      revision: 9,
      hundredths: 875,
      at: AT,
    });
  });
});

describe('a state of an anime', () => {
  const state = (generation: number, revision: number) =>
    cachedAnimeOf(animeId(1), generation, anAnimeDocument({ generation, revision }));

  it('is older by its generation, and within one by its revision', () => {
    expect(isOlder(state(0, 3), state(0, 4))).to.be.true;
    expect(isOlder(state(0, 3), state(0, 3))).to.be.false;
    expect(isOlder(state(0, 4), state(1, 3))).to.be.true;
    expect(isOlder(state(1, 3), state(0, 4))).to.be.false;
  });
});
