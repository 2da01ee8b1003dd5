import { expect } from 'chai';
import { decide, evolve, initialState } from '../../src/domain/decide.js';
import type { AnimeCommand } from '../../src/domain/commands.js';
import { completeDetails } from '../../src/domain/details.js';
import type { AnimeEvent } from '../../src/domain/events.js';
import { commands, COWBOY_BEBOP, events } from '../support/examples.js';

const given = (...history: AnimeEvent[]) => ({
  when: (command: AnimeCommand) => decide(command, history.reduce(evolve, initialState)),
});

const accepted = (...expected: AnimeEvent[]) => ({ accepted: true, events: expected });

const refusal = (code: string, reason: string) => ({
  accepted: false,
  rejection: { code, reason },
});

const NOT_LISTED = refusal('ANIME_NOT_LISTED', 'Anime 1 is not in the catalogue.');
const DELISTED = refusal('ANIME_DELISTED', 'Anime 1 has been removed from the catalogue.');

describe('decide', () => {
  describe('ListAnime', () => {
    it('lists an anime that was never listed', () => {
      expect(given().when(commands.list)).to.deep.equal(accepted(events.listed));
    });

    it('sets missing details of a new anime to unknown', () => {
      const decision = given().when({ ...commands.list, details: { title: 'Akira' } });
      expect(decision)
        .to.have.nested.property('events[0].data.details')
        .that.deep.equals(completeDetails({ title: 'Akira' }));
    });

    it('decides nothing when the details are unchanged', () => {
      expect(given(events.listed).when(commands.list)).to.deep.equal(accepted());
    });

    it('revises details that differ and keeps what is not given', () => {
      const revise = { ...commands.list, details: { title: COWBOY_BEBOP.title, score: 8.8 } };
      expect(given(events.listed).when(revise)).to.deep.equal(accepted(events.revised));
    });

    it('clears a detail that is given as unknown', () => {
      const revise = { ...commands.list, details: { ...COWBOY_BEBOP, genres: [], score: null } };
      expect(given(events.listed).when(revise))
        .to.have.nested.property('events[0].data.details')
        .that.deep.equals({ ...COWBOY_BEBOP, genres: [], score: null });
    });

    for (const genres of [[], ['Action'], ['Sci-Fi', 'Action'], ['Action', 'Sci-Fi', 'Space']]) {
      it(`revises genres to [${genres.join(', ')}], and decides nothing when repeated`, () => {
        const command = { ...commands.list, details: { title: COWBOY_BEBOP.title, genres } };
        const revised: AnimeEvent = {
          type: 'AnimeDetailsRevised',
          data: { ...events.revised.data, details: { ...COWBOY_BEBOP, genres } },
        };
        expect(given(events.listed).when(command)).to.deep.equal(accepted(revised));
        const repeated = { ...command, details: { ...command.details, genres: [...genres] } };
        expect(given(events.listed, revised).when(repeated)).to.deep.equal(accepted());
      });
    }

    for (const known of [{ episodes: 26 }, { description: 'Space.' }]) {
      const [name = ''] = Object.keys(known);
      it(`revises the ${name} that was unknown, and one that becomes unknown`, () => {
        const without = { ...COWBOY_BEBOP, [name]: null };
        for (const [from, to] of [
          [without, { ...without, ...known }],
          [{ ...without, ...known }, without],
        ] as const) {
          const listed = { ...events.listed, data: { ...events.listed.data, details: from } };
          expect(given(listed).when({ ...commands.list, details: to }))
            .to.have.nested.property('events[0].data.details')
            .that.deep.equals(to);
        }
      });
    }

    it('keeps an anime listed when its details are revised', () => {
      expect(given(events.listed, events.revised).when(commands.click)).to.deep.equal(
        accepted(events.click),
      );
    });

    it('lists a delisted anime again', () => {
      expect(given(events.listed, events.delisted).when(commands.list)).to.deep.equal(
        accepted(events.listed),
      );
    });

    it('refuses a delisted anime with relist: false', () => {
      const command = { ...commands.list, relist: false };
      expect(given(events.listed, events.delisted).when(command)).to.deep.equal(DELISTED);
    });

    it('lists a new anime and revises a listed one with relist: false', () => {
      const command = { ...commands.list, relist: false };
      expect(given().when(command)).to.deep.equal(accepted(events.listed));
      const revise = { ...command, details: { title: COWBOY_BEBOP.title, score: 8.8 } };
      expect(given(events.listed).when(revise)).to.deep.equal(accepted(events.revised));
    });
  });

  describe('DelistAnime', () => {
    it('delists a listed anime', () => {
      expect(given(events.listed).when(commands.delist)).to.deep.equal(accepted(events.delisted));
    });

    it('decides nothing for a delisted anime', () => {
      expect(given(events.listed, events.delisted).when(commands.delist)).to.deep.equal(accepted());
    });

    it('refuses an anime that was never listed', () => {
      expect(given().when(commands.delist)).to.deep.equal(NOT_LISTED);
    });
  });

  for (const [name, command, event] of [
    ['RegisterClick', commands.click, events.click],
    ['RegisterView', commands.view, events.view],
    ['GiveRating', commands.rating, events.rating],
  ] as const) {
    describe(name, () => {
      it('is recorded for a listed anime', () => {
        expect(given(events.listed).when(command)).to.deep.equal(accepted(event));
      });

      it('is recorded with the time at which it occurred, if that is not when it was received', () => {
        const occurredAt = '2026-11-20T08:00:00.000Z';
        expect(given(events.listed).when({ ...command, occurredAt })).to.deep.equal(
          accepted({ ...event, data: { ...event.data, occurredAt } } as typeof event),
        );
      });

      for (const occurredAt of ['2026-11-17T09:59:59.999Z', '2026-11-24T10:05:00.001Z']) {
        it(`is refused if it occurred at ${occurredAt}, seven days before or five minutes after`, () => {
          expect(given(events.listed).when({ ...command, occurredAt }))
            .to.have.nested.property('rejection.code')
            .that.equals('INVALID_TIME');
        });
      }

      it('is recorded again when repeated', () => {
        expect(given(events.listed, event).when(command)).to.deep.equal(accepted(event));
      });

      it('is refused while the anime is not listed', () => {
        expect(given().when(command)).to.deep.equal(NOT_LISTED);
      });

      it('is refused once the anime is delisted', () => {
        expect(given(events.listed, events.delisted).when(command)).to.deep.equal(DELISTED);
      });

      it('is recorded after the anime is listed again', () => {
        const history = [events.listed, events.delisted, events.listed];
        expect(given(...history).when(command)).to.deep.equal(accepted(event));
      });
    });
  }

  for (const rating of [0, 0.999, 10.001, Number.NaN, Number.POSITIVE_INFINITY, -5]) {
    it(`refuses a rating of ${rating}`, () => {
      expect(given(events.listed).when({ ...commands.rating, rating })).to.deep.equal(
        refusal('INVALID_RATING', 'A rating is a number from 1 to 10.'),
      );
    });
  }

  for (const [rating, kept] of [
    ...[1, 10, 1.01, 9.99, 8.7].map((each) => [each, each] as const),
    ...[
      [8.333, 8.33],
      [5.359999999999999, 5.36],
      [1.005, 1.01],
      [8.755, 8.76],
      [9.994, 9.99],
      [9.995, 10],
      [9.999, 10],
      [1.0000000000000002, 1],
    ],
  ] as const) {
    it(`rounds a rating of ${rating} to ${kept}`, () => {
      const data = { ...events.rating.data, rating: kept };
      expect(given(events.listed).when({ ...commands.rating, rating })).to.deep.equal(
        accepted({ type: 'RatingGiven', data }),
      );
    });
  }

  for (const durationSeconds of [0, 86_401, 2 ** 31 - 1]) {
    it(`accepts a view of ${durationSeconds} seconds`, () => {
      const data = { ...events.view.data, durationSeconds };
      expect(given(events.listed).when({ ...commands.view, durationSeconds })).to.deep.equal(
        accepted({ type: 'ViewRegistered', data }),
      );
    });
  }

  for (const durationSeconds of [-1, -0, 0.5, 2 ** 31, Number.NaN]) {
    it(`refuses a view of ${Object.is(durationSeconds, -0) ? '-0' : durationSeconds} seconds`, () => {
      expect(given(events.listed).when({ ...commands.view, durationSeconds })).to.deep.equal(
        refusal('INVALID_DURATION', 'A view lasts 0 to 2,147,483,647 whole seconds.'),
      );
    });
  }
});
