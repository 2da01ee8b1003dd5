import { expect } from 'chai';
import type { AnimeEvent } from '../../src/domain/events.js';
import type { AnimeDocument } from '../../src/ports/read-store.js';
import { animeDraft, foldAnime, noteSkipped } from '../../src/read-side/read-models/anime.js';
import { dayOf, foldDay } from '../../src/read-side/read-models/daily-activity.js';
import {
  foldInteraction,
  type Interaction,
  isInteraction,
  type Placed,
  ratingBefore,
  trimRatings,
} from '../../src/read-side/read-models/interaction.js';
import { animeId, AT, COWBOY_BEBOP, events, userId } from '../support/examples.js';

const at = <Event extends AnimeEvent>(revision: number, event: Event): Placed<Event> => ({
  revision,
  id: `event-${revision}`,
  generation: 0,
  event,
});

const rating = (value: number) => ({
  ...events.rating,
  data: { ...events.rating.data, rating: value },
});

const later = <Event extends Interaction>(event: Event, occurredAt: string): Event => ({
  ...event,
  data: { ...event.data, occurredAt },
});

describe('interactions', () => {
  const nobody = {
    generation: 0,
    animeId: animeId(1),
    userId: userId('spike'),
    clicks: 0,
    views: 0,
    seconds: 0,
    lastClickAt: null,
    lastViewAt: null,
    ratings: [],
  };

  for (const [event, changes] of [
    [events.click, { clicks: 1, lastClickAt: AT }],
    [events.view, { views: 1, seconds: 1440, lastViewAt: AT }],
    [events.rating, { ratings: [{ revision: 5, hundredths: 875, at: AT }] }],
  ] as const) {
    it(`begins with a ${event.type}`, () => {
      const document = foldInteraction(null, at(5, event));
      expect(document).to.deep.equal({ ...nobody, revision: 5, ...changes });
    });

    it(`changes nothing when a ${event.type} comes twice`, () => {
      const document = foldInteraction(null, at(5, event));
      expect(foldInteraction(document, at(5, event))).to.equal(document);
    });

    it(`changes nothing when a ${event.type} comes late`, () => {
      const document = foldInteraction(null, at(9, events.click));
      expect(foldInteraction(document, at(5, event))).to.equal(document);
    });
  }

  it('adds up the interactions of one user', () => {
    const next = '2026-11-25T00:00:00.000Z';
    const document = [events.view, later(events.view, next), events.click]
      .map((event, revision) => at(revision, event))
      .reduce<ReturnType<typeof foldInteraction> | null>(foldInteraction, null);
    expect(document).to.deep.equal({
      ...nobody,
      revision: 2,
      clicks: 1,
      views: 2,
      seconds: 2880,
      lastClickAt: AT,
      lastViewAt: next,
    });
  });

  it('keeps the history of ratings, and finds the one before any revision', () => {
    const document = [rating(5), rating(7.25), rating(9)]
      .map((event, index) => at(index * 10, event))
      .reduce<ReturnType<typeof foldInteraction> | null>(foldInteraction, null);
    expect(ratingBefore(document, 20)?.hundredths).to.equal(725);
    expect(ratingBefore(document, 10)?.hundredths).to.equal(500);
    expect(ratingBefore(document, 0)).to.equal(null);
    expect(ratingBefore(null, 7)).to.equal(null);
  });

  it('drops ratings below the newest one that the saved anime includes', () => {
    const document = foldInteraction(
      foldInteraction(foldInteraction(null, at(0, rating(5))), at(10, rating(6))),
      at(20, rating(7)),
    );
    const revisions = (saved: number) =>
      trimRatings(document.ratings, saved).map(({ revision }) => revision);
    expect(revisions(-1)).to.deep.equal([0, 10, 20]);
    expect(revisions(9)).to.deep.equal([0, 10, 20]);
    expect(revisions(10)).to.deep.equal([10, 20]);
    expect(revisions(19)).to.deep.equal([10, 20]);
    expect(revisions(99)).to.deep.equal([20]);
  });

  it('keeps sums of seconds exact by stopping at 2^53-1', () => {
    const longest = {
      type: 'ViewRegistered',
      data: { ...events.view.data, durationSeconds: 2 ** 31 - 1 },
    } as const;
    const interaction = foldInteraction(null, at(0, longest));
    const day = foldDay(null, at(0, longest));
    const anime = foldAnime(null, at(0, longest), null);
    const seconds = 2 ** 53 - 2 ** 31;
    const sums = (from: number) => [
      foldInteraction({ ...interaction, seconds: from }, at(1, longest)).seconds,
      foldDay({ ...day, seconds: from }, at(1, longest)).seconds,
      foldAnime({ ...anime, seconds: from }, at(1, longest), null).seconds,
    ];
    const most = Number.MAX_SAFE_INTEGER;
    expect(sums(seconds - 1)).to.deep.equal([most - 1, most - 1, most - 1]);
    for (const from of [seconds, seconds + 1, most])
      expect(sums(from)).to.deep.equal([most, most, most]);
  });

  it('distinguishes interactions from catalogue events', () => {
    expect(Object.values(events).filter(isInteraction)).to.deep.equal([
      events.click,
      events.view,
      events.rating,
    ]);
  });
});

describe('daily activity', () => {
  const quiet = { generation: 0, animeId: animeId(1), day: '2026-11-24' };

  it('counts clicks, views, ratings and seconds of a day', () => {
    const document = [events.click, events.view, events.rating, events.view]
      .map((event, revision) => at(revision, event))
      .reduce<ReturnType<typeof foldDay> | null>(foldDay, null);
    const counted = { clicks: 1, views: 2, ratings: 1, seconds: 2880 };
    expect(document).to.deep.equal({ ...quiet, revision: 3, ...counted });
  });

  it('changes nothing when an event comes twice or late', () => {
    const document = foldDay(foldDay(null, at(1, events.click)), at(4, events.view));
    expect(foldDay(document, at(4, events.view))).to.equal(document);
    expect(foldDay(document, at(2, events.rating))).to.equal(document);
  });

  it('bounds days by midnight in UTC', () => {
    const day = (time: string) => dayOf(later(events.click, time));
    expect(day('2026-11-24T00:00:00Z')).to.equal('2026-11-24');
    expect(day('2026-11-24T23:59:59.999999Z')).to.equal('2026-11-24');
    expect(day('2026-11-25T00:00:00.000Z')).to.equal('2026-11-25');
  });
});

describe('anime', () => {
  const listed: AnimeDocument = {
    generation: 0,
    revision: 0,
    animeId: animeId(1),
    status: 'listed',
    details: COWBOY_BEBOP,
    clicks: 0,
    views: 0,
    seconds: 0,
    ratingCount: 0,
    ratingSum: 0,
    ratingBuckets: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    lastEventId: 'event-0',
    skipped: [],
  };
  const one = { revision: 1, lastEventId: 'event-1' };

  it('begins with a listing', () => {
    expect(foldAnime(null, at(0, events.listed), null)).to.deep.equal(listed);
  });

  for (const [event, changes] of [
    [events.revised, { details: { ...COWBOY_BEBOP, score: 8.8 } }],
    [events.delisted, { status: 'delisted' }],
    [events.click, { clicks: 1 }],
    [events.view, { views: 1, seconds: 1440 }],
    [
      events.rating,
      { ratingCount: 1, ratingSum: 875, ratingBuckets: [0, 0, 0, 0, 0, 0, 0, 1, 0, 0] },
    ],
  ] as const) {
    it(`applies a ${event.type} once`, () => {
      const document = foldAnime(listed, at(1, event), null);
      expect(document).to.deep.equal({ ...listed, ...one, ...changes });
      expect(foldAnime(document, at(1, event), null)).to.equal(document);
    });

    it(`changes nothing when a ${event.type} comes late`, () => {
      const ahead = { ...listed, revision: 7 };
      expect(foldAnime(ahead, at(6, event), null)).to.equal(ahead);
    });
  }

  it('lets a later rating of the same user replace the earlier one', () => {
    const first = foldAnime(listed, at(1, rating(1)), null);
    const replaced = { revision: 1, hundredths: 100, at: AT };
    expect(foldAnime(first, at(2, rating(10)), replaced)).to.deep.equal({
      ...listed,
      revision: 2,
      lastEventId: 'event-2',
      ratingCount: 1,
      ratingSum: 1000,
      ratingBuckets: [0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    });
  });

  it('keeps counters and details through a delisting, and is listed again by a listing', () => {
    const clicked = foldAnime(listed, at(1, events.click), null);
    const gone = foldAnime(clicked, at(2, events.delisted), null);
    expect(gone).to.include({ status: 'delisted', clicks: 1, details: COWBOY_BEBOP });
    const back = foldAnime(gone, at(3, events.listed), null);
    expect(back).to.include({ status: 'listed', clicks: 1 });
  });

  it('counts interactions of a stream without a listing, and stays unlisted', () => {
    const document = foldAnime(null, at(0, events.click), null);
    expect(document).to.include({ status: 'delisted', clicks: 1 });
    expect(document.details.title).to.equal('Anime 1');
  });

  it('does not change the document that it folds into', () => {
    const before = structuredClone(listed);
    foldAnime(listed, at(1, events.rating), null);
    expect(listed).to.deep.equal(before);
  });

  it('notes the last hundred events that can never apply', () => {
    const draft = animeDraft(listed, animeId(1), 0);
    for (let revision = 1; revision <= 102; revision += 1) noteSkipped(draft, revision);
    expect(draft.skipped).to.have.length(100);
    expect(draft.skipped.at(0)).to.equal(3);
    expect(draft.skipped.at(-1)).to.equal(102);
    expect(listed.skipped).to.deep.equal([]);
  });
});
