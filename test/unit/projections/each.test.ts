import { expect } from 'chai';
import type { AnimeEvent } from '../../../src/domain/events.js';
import { projectionDefinitions } from '../../../src/compose/projections.js';
import { encode } from '../../../src/wire/stream-event.js';
import { AT, events, userId } from '../../support/examples.js';
import type { EngineModel } from '../../support/projections/engine.js';
import { engineWithOurs } from '../../support/projections/ours.js';

const store = (engine: EngineModel, ...happened: readonly AnimeEvent[]): void => {
  for (const event of happened) {
    const data = JSON.stringify(encode(event));
    const streamId = `anime-${event.data.animeId}`;
    engine.append({ streamId, eventType: event.type, data, isJson: true });
  }
  engine.run();
};

const rating = (user: string, value: number): AnimeEvent => ({
  type: 'RatingGiven',
  data: { ...events.rating.data, userId: userId(user), rating: value },
});

const raw = (engine: EngineModel, eventType: string, data: string, isJson = true): void => {
  engine.append({ streamId: 'anime-1', eventType, data, isJson });
  engine.run();
};

describe('our projections', () => {
  let engine: EngineModel;

  beforeEach(async () => {
    engine = await engineWithOurs({ validates: false });
  });

  const emitted = (stream: string) =>
    engine.log.filter(({ streamId }) => streamId === stream).map(({ data }) => data);
  const changes = () =>
    emitted('ratings-1').map((data) => JSON.parse(data) as Readonly<Record<string, unknown>>);
  const activity = () => engine.stateOf('anime-activity', 'anime-1');
  const summary = () => engine.stateOf('anime-rating-summary', 'ratings-1');

  it('count each kind of event once', () => {
    store(engine, ...Object.values(events));
    const counted = { clicks: 1, views: 1, seconds: 1440 };
    expect(activity()).to.deep.equal({ ...counted, ratingRevision: 5, revision: 5 });
    const totals = { ...counted, ratings: 1, others: 3 };
    expect(engine.stateOf('global-totals', '')).to.deep.equal(totals);
  });

  it('emit what a rating replaces: nothing at first, then the last one of the same user', () => {
    store(engine, events.listed, rating('spike', 7.25), rating('faye', 1), rating('spike', 8.29));
    const fact = { animeId: 1, occurredAt: AT };
    expect(changes()).to.deep.equal([
      { ...fact, previous: null, rating: 725, revision: 1 },
      { ...fact, previous: null, rating: 100, revision: 2 },
      { ...fact, previous: 725, rating: 829, revision: 3 },
    ]);
    const rated = { ratingCount: 2, ratingSum: 929, firstRevision: 1, revision: 3 };
    expect(summary()).to.deep.equal(rated);
  });

  it('keep users with similar ids apart', () => {
    const ids = ['a-b', 'a%2Db', 'a b', 'a+b', 'A-B', '\u00e9', 'e\u0301', '$all', '1/2?x=#', '🐕'];
    store(engine, ...ids.map((id) => rating(id, 5)));
    expect(summary()).to.include({ ratingCount: ids.length });
    const timelines = new Set(engine.log.map(({ streamId }) => streamId));
    timelines.delete('anime-1');
    timelines.delete('ratings-1');
    expect(timelines).to.have.property('size', ids.length);
    for (const name of timelines) expect(name).to.match(/^user-timeline-[!-~]+$/);
  });

  it("link what a user did, and nothing else, to the user's timeline", () => {
    store(engine, ...Object.values(events));
    expect(emitted('user-timeline-spike')).to.deep.equal(['3@anime-1', '4@anime-1', '5@anime-1']);
    const links = engine.log.filter(({ streamId }) => streamId.startsWith('user-timeline-'));
    expect(new Set(links.map(({ eventType }) => eventType))).to.deep.equal(new Set(['$>']));
  });

  it('omit system events, which are not numbered in the stream', () => {
    store(engine, events.click);
    raw(engine, '$metadata', '{"$maxCount":1}');
    raw(engine, '$streamDeleted', '');
    expect(activity()).to.include({ clicks: 1, revision: 0 });
    expect(engine.stateOf('global-totals', '')).to.include({ others: 0 });
  });

  for (const data of [
    'null',
    '5',
    '"text"',
    '[]',
    '',
    ' ',
    '{"animeId":',
    '{}',
    '{"schemaVersion":3}',
  ]) {
    for (const isJson of [true, false]) {
      it(`skip ${JSON.stringify(data)} ${isJson ? 'marked' : 'not marked'} as JSON, and continue`, () => {
        for (const type of ['ClickRegistered', 'ViewRegistered', 'RatingGiven', 'MoodChanged']) {
          raw(engine, type, data, isJson);
        }
        expect(activity()).to.include({ clicks: 0, views: 0, ratingRevision: -1, revision: 3 });
        store(engine, events.click);
        expect(activity()).to.include({ clicks: 1, revision: 4 });
        expect(changes()).to.deep.equal([]);
        expect(engine.statuses().map(({ condition }) => condition)).to.deep.equal(
          Array<string>(5).fill('running'),
        );
      });
    }
  }

  it('have no state that grows with the number of users', () => {
    const sizes = [2, 200].map((users) => {
      const ids = Array.from({ length: users }, (_, index) => `user-${index}`);
      store(engine, ...ids.map((id) => rating(id, 5)));
      const states = engine
        .statuses()
        .flatMap(({ name }) =>
          engine.partitions(name).map((partition) => engine.stateOf(name, partition)),
        );
      return Math.max(...states.map((state) => JSON.stringify(state).length));
    });
    expect(sizes[1]).to.be.lessThan((sizes[0] ?? 0) + 20);
  });

  describe('when the rating changes are recomputed', () => {
    const ratings = [rating('spike', 7), rating('faye', 1), rating('spike', 8)];

    it('reach the same summary, which starts again', () => {
      store(engine, ...ratings);
      const before = summary();
      engine.reset('anime-rating-changes');
      engine.run();
      expect(changes()).to.have.length(6);
      expect(summary()).to.deep.equal(before);
    });

    it('reach the same summary with a single rating', () => {
      store(engine, rating('spike', 7));
      const before = summary();
      engine.reset('anime-rating-changes');
      engine.run();
      expect(summary()).to.deep.equal(before);
    });

    it('reach the same summary where the summary is recomputed too', () => {
      store(engine, ...ratings);
      const before = summary();
      engine.reset('anime-rating-changes');
      engine.reset('anime-rating-summary');
      engine.run();
      expect(summary()).to.deep.equal(before);
    });

    it('reach the values emitted the second time, even if they differ', () => {
      store(engine, rating('spike', 7));
      const data = JSON.stringify({ animeId: 1, previous: null, rating: 650, revision: 0 });
      engine.append({ streamId: 'ratings-1', eventType: 'RatingReplaced', data, isJson: true });
      engine.run();
      const rated = { ratingCount: 1, ratingSum: 650, firstRevision: 0, revision: 0 };
      expect(summary()).to.deep.equal(rated);
    });

    it('do not count a repeated change', () => {
      store(engine, ...ratings);
      const before = summary();
      const data = emitted('ratings-1').at(-1) ?? '';
      engine.append({ streamId: 'ratings-1', eventType: 'RatingReplaced', data, isJson: true });
      engine.run();
      expect(summary()).to.deep.equal(before);
    });
  });

  it('are deployed as texts that start with a description, and emit only where they say so', async () => {
    for (const { name, query, emit } of await projectionDefinitions()) {
      expect(query.startsWith(`// ${name}: `), name).to.equal(true);
      const [own = ''] = query.split('// How a projection reads');
      expect(/\b(emit|linkTo)\(/.test(own), name).to.equal(emit);
      expect(/Needs emit\./.test(own), name).to.equal(emit);
    }
  });
});
