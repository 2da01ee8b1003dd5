import { expect } from 'chai';
import type { AnimeEvent } from '../../src/domain/events.js';
import type {
  AnimeDocument,
  DailyActivityDocument,
  InteractionDocument,
} from '../../src/ports/read-store.js';
import { cachedAnimeOf, foldRun } from '../../src/read-side/projector/fold.js';
import { animeDraft, noteSkipped } from '../../src/read-side/read-models/anime.js';
import { utcDayOf } from '../../src/read-side/read-models/daily-activity.js';
import {
  type Interaction,
  isInteraction,
  ratingBefore,
  trimRatings,
} from '../../src/read-side/read-models/interaction.js';
import type { StreamEvent } from '../../src/wire/stream-event.js';
import { animeId, AT, COWBOY_BEBOP, events, userId } from '../support/examples.js';

const at = (revision: number, event: AnimeEvent): StreamEvent => ({
  stream: 'anime-1',
  animeId: animeId(1),
  revision,
  id: `event-${revision}`,
  position: { commit: BigInt(revision), prepare: BigInt(revision) },
  logId: null,
  recordedAt: 0,
  decoded: { kind: 'event', event },
});

const inOrder = (...run: readonly AnimeEvent[]): readonly StreamEvent[] =>
  run.map((event, revision) => at(revision, event));

interface Saved {
  readonly anime?: AnimeDocument | null;
  readonly interaction?: InteractionDocument;
  readonly day?: DailyActivityDocument;
}

/** What a run makes of the documents that are saved already. */
const fold = (run: readonly StreamEvent[], { anime = null, interaction, day }: Saved = {}) => {
  const cached = cachedAnimeOf(animeId(1), 0, anime);
  if (interaction !== undefined) cached.parts.users.set(interaction.userId, interaction);
  if (day !== undefined) cached.parts.days.set(day.day, day);
  const folded = foldRun(cached, run);
  return { ...folded, interaction: folded.interactions[0], day: folded.days[0] };
};

const rating = (value: number) => ({
  ...events.rating,
  data: { ...events.rating.data, rating: value },
});

const later = <Event extends Interaction>(event: Event, occurredAt: string): Event => ({
  ...event,
  data: { ...event.data, occurredAt },
});

const LONGEST_VIEW = {
  type: 'ViewRegistered',
  data: { ...events.view.data, durationSeconds: 2 ** 31 - 1 },
} as const;

describe('interactions', () => {
  const nobody: InteractionDocument = {
    generation: 0,
    revision: -1,
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
      const { interaction } = fold([at(5, event)]);
      expect(interaction).to.deep.equal({ ...nobody, revision: 5, ...changes });
    });

    it(`changes nothing when a ${event.type} comes twice`, () => {
      const interaction = { ...nobody, revision: 5 };
      expect(fold([at(5, event)], { interaction }).interactions).to.deep.equal([]);
    });

    it(`changes nothing when a ${event.type} comes late`, () => {
      const interaction = { ...nobody, revision: 9 };
      expect(fold([at(5, event)], { interaction }).interactions).to.deep.equal([]);
    });
  }

  it('adds up the interactions of one user', () => {
    const next = '2026-11-25T00:00:00.000Z';
    const { interaction } = fold(inOrder(events.view, later(events.view, next), events.click));
    expect(interaction).to.deep.equal({
      ...nobody,
      revision: 2,
      clicks: 1,
      views: 2,
      seconds: 2880,
      lastClickAt: AT,
      lastViewAt: next,
    });
  });

  it('keeps the latest of the times at which events occurred, in whatever order they come', () => {
    const clickAt = (occurredAt: string): AnimeEvent => ({
      ...events.click,
      data: { ...events.click.data, occurredAt },
    });
    const times = ['2026-11-24T10:00:00Z', '2026-11-24T10:00:00.5Z', '2026-11-20T10:00:00.000Z'];
    for (const order of [times, [...times].reverse()]) {
      const { interaction, days } = fold(inOrder(...order.map(clickAt)));
      expect(interaction).to.include({ clicks: 3, lastClickAt: '2026-11-24T10:00:00.5Z' });
      expect(Object.fromEntries(days.map(({ day, clicks }) => [day, clicks]))).to.deep.equal({
        '2026-11-24': 2,
        '2026-11-20': 1,
      });
    }
  });

  it('keeps the history of ratings, and finds the one before any revision', () => {
    const run = [rating(5), rating(7.25), rating(9)].map((event, index) => at(index * 10, event));
    const { interaction = null } = fold(run);
    expect(ratingBefore(interaction, 20)?.hundredths).to.equal(725);
    expect(ratingBefore(interaction, 10)?.hundredths).to.equal(500);
    expect(ratingBefore(interaction, 0)).to.equal(null);
    expect(ratingBefore(null, 7)).to.equal(null);
  });

  it('forgets ratings below the newest one that the saved anime has', () => {
    const { interaction = nobody } = fold([at(0, rating(5)), at(10, rating(6)), at(20, rating(7))]);
    const revisions = (saved: number) =>
      trimRatings(interaction.ratings, saved).map(({ revision }) => revision);
    expect(revisions(-1)).to.deep.equal([0, 10, 20]);
    expect(revisions(9)).to.deep.equal([0, 10, 20]);
    expect(revisions(10)).to.deep.equal([10, 20]);
    expect(revisions(19)).to.deep.equal([10, 20]);
    expect(revisions(99)).to.deep.equal([20]);
  });

  it('keeps sums of seconds exact: they end at 2^53-1', () => {
    const first = fold([at(0, LONGEST_VIEW)]);
    const sums = (seconds: number) => {
      const folded = fold([at(1, LONGEST_VIEW)], {
        anime: { ...first.anime, seconds },
        interaction: { ...nobody, ...first.interaction, seconds },
        ...(first.day === undefined ? {} : { day: { ...first.day, seconds } }),
      });
      const { interaction, day, anime } = folded;
      return [interaction?.seconds, day?.seconds, anime.seconds];
    };
    const most = Number.MAX_SAFE_INTEGER;
    const last = 2 ** 53 - 2 ** 31;
    expect(sums(last - 1)).to.deep.equal([most - 1, most - 1, most - 1]);
    for (const from of [last, last + 1, most]) {
      expect(sums(from)).to.deep.equal([most, most, most]);
    }
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
  const quiet: DailyActivityDocument = {
    generation: 0,
    revision: -1,
    animeId: animeId(1),
    day: '2026-11-24',
    clicks: 0,
    views: 0,
    ratings: 0,
    seconds: 0,
  };

  it('counts clicks, views, ratings and seconds of a day', () => {
    const { days } = fold(inOrder(events.click, events.view, events.rating, events.view));
    const counted = { clicks: 1, views: 2, ratings: 1, seconds: 2880 };
    expect(days).to.deep.equal([{ ...quiet, revision: 3, ...counted }]);
  });

  it('changes nothing when an event comes twice or late', () => {
    const day = { ...quiet, revision: 4 };
    expect(fold([at(4, events.view)], { day }).days).to.deep.equal([]);
    expect(fold([at(2, events.rating)], { day }).days).to.deep.equal([]);
  });

  it('bounds days by midnight in UTC', () => {
    const day = (time: string) => utcDayOf(later(events.click, time));
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

  it('begins with a listing', () => {
    expect(fold([at(0, events.listed)]).anime).to.deep.equal(listed);
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
    it(`takes a ${event.type}`, () => {
      const { anime } = fold([at(1, event)], { anime: listed });
      expect(anime).to.deep.equal({
        ...listed,
        revision: 1,
        lastEventId: 'event-1',
        ...changes,
      });
    });
  }

  it('lets a later rating of the same user replace the earlier one', () => {
    expect(fold(inOrder(events.listed, rating(1), rating(10))).anime).to.deep.equal({
      ...listed,
      revision: 2,
      lastEventId: 'event-2',
      ratingCount: 1,
      ratingSum: 1000,
      ratingBuckets: [0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    });
  });

  it('keeps counters and details through a delisting, and comes back with a listing', () => {
    const run = [events.listed, events.click, events.delisted];
    const { anime: gone } = fold(inOrder(...run));
    expect(gone).to.include({ status: 'delisted', clicks: 1 });
    expect(gone.details).to.deep.equal(COWBOY_BEBOP);
    const { anime: back } = fold(inOrder(...run, events.listed));
    expect(back).to.include({ status: 'listed', clicks: 1 });
  });

  it('counts interactions of a stream that knows no catalogue, and stays out of it', () => {
    const { anime } = fold([at(0, events.click)]);
    expect(anime).to.include({ status: 'delisted', clicks: 1 });
    expect(anime.details.title).to.equal('Anime 1');
  });

  it('does not change the document that it folds into', () => {
    const before = structuredClone(listed);
    fold([at(1, events.rating)], { anime: listed });
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
