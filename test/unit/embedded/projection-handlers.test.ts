import { expect } from 'chai';
import { metadataEvent } from '../../support/event-log.js';
import {
  temporaryProjections,
  type TemporaryProjections,
} from '../../support/embedded-projections.js';

const COUNT = '.when({ $init: () => ({ n: 0 }), Clicked: (s) => { s.n += 1; return s; } })';
const NAMES = '(s, e) => { s.push(e.streamId + "@" + e.sequenceNumber); return s; }';
const SEEN = `.when({ $init: () => [], $any: ${NAMES} })`;

describe('projections of the embedded event store: selectors and handlers', function () {
  this.timeout(120_000);

  let given: TemporaryProjections;

  before(async () => {
    given = await temporaryProjections();
    const { append } = given;
    await append('film-1', ['Clicked', { by: 'ann' }], ['Rated', { by: 'bob', stars: 4 }]);
    await append('film-2', ['Clicked', { by: 'bob' }]);
    await append('book-1', ['Clicked', { by: 'ann' }]);
    await append('film-1', ['Clicked', { by: 'ann' }]);
  });

  after(() => given.remove());

  const states = async (
    query: string,
    ...partitions: readonly string[]
  ): Promise<readonly unknown[]> => {
    const name = `p-${Math.random()}`;
    await given.create(name, query);
    await given.caughtUp();
    expect(given.status(name), given.reason(name)).to.equal('Running');
    const found = await Promise.all(partitions.map((partition) => given.state(name, partition)));
    await given.engine().disable(name, true);
    return found;
  };

  const faultOf = async (query: string): Promise<string> => {
    const name = `p-${Math.random()}`;
    await given.create(name, query);
    await given.caughtUp();
    expect(given.status(name)).to.match(/^Faulted/);
    const reason = given.reason(name);
    await given.engine().delete(name, {
      emittedStreams: false,
      stateStream: false,
      checkpointStream: false,
    });
    return reason;
  };

  it('fromStream reads one stream', async () => {
    expect(await states(`fromStream('film-1')${COUNT}`, '')).to.deep.equal([{ n: 2 }]);
  });

  it('fromStreams reads streams in the order of the log', async () => {
    expect(await states(`fromStreams(['book-1', 'film-1'])${SEEN}`, '')).to.deep.equal([
      ['film-1@0', 'film-1@1', 'book-1@0', 'film-1@2'],
    ]);
  });

  it('fromCategory and foreachStream keep a state per stream of the category', async () => {
    const query = `fromCategory('film').foreachStream()${COUNT}`;
    const found = await states(query, 'film-1', 'film-2', 'book-1', '');
    expect(found).to.deep.equal([{ n: 2 }, { n: 1 }, undefined, undefined]);
  });

  it('several categories are read in the order of the log', async () => {
    expect(await states(`fromCategory(['book', 'film'])${SEEN}`, '')).to.deep.equal([
      ['film-1@0', 'film-1@1', 'film-2@0', 'book-1@0', 'film-1@2'],
    ]);
  });

  it('fromAll reads every event, in the order of the log', async () => {
    const query = `fromAll().when({ $init: () => [], Clicked: ${NAMES} })`;
    expect(await states(query, '')).to.deep.equal([
      ['film-1@0', 'film-2@0', 'book-1@0', 'film-1@2'],
    ]);
  });

  it('partitionBy keeps a state per answer, and leaves an event without one out', async () => {
    const query = `fromAll().partitionBy((e) => e.data && e.data.by === 'ann' ? 7 : null)${COUNT}`;
    expect(await states(query, '7', 'null', '')).to.deep.equal([{ n: 3 }, undefined, undefined]);
  });

  it('$any gets what has no handler of its own', async () => {
    const query = `fromStream('film-1').when({ $init: () => ({ any: [], n: 0 }),
      $any: (s, e) => { s.any.push(e.eventType); return s; }, Clicked: (s) => { s.n++; } })`;
    expect(await states(query, '')).to.deep.equal([{ any: ['Rated'], n: 2 }]);
  });

  it('without $init a state begins as an empty object', async () => {
    const query = `fromStream('film-2').when({ Clicked: (s) => ({ was: s }) })`;
    expect(await states(query, '')).to.deep.equal([{ was: {} }]);
  });

  it('$initShared gives all partitions one more state, which they all change', async () => {
    const query = `fromCategory('film').foreachStream().when({ $initShared: () => ({ all: 0 }),
      $init: () => ({ n: 0 }), Clicked: (s) => { s[0].n++; s[1].all++; return s; } })`;
    expect(await states(query, 'film-1', 'film-2', '')).to.deep.equal([
      { n: 2 },
      { n: 1 },
      { all: 3 },
    ]);
  });

  it('$created runs once per partition, before its first event', async () => {
    const query = `fromCategory('film').foreachStream().when({ $init: () => ({ made: 0, n: 0 }),
      $created: (s) => { s.made += 1; }, Clicked: (s) => { s.n += s.made; return s; } })`;
    expect(await states(query, 'film-1')).to.deep.equal([{ made: 1, n: 2 }]);
  });

  it('$deleted runs where a stream of the category is deleted', async () => {
    await given.append('gone-1', ['Clicked', {}]);
    const name = 'deletions';
    await given.create(
      name,
      `fromCategory('gone').foreachStream().when({ $init: () => ({ n: 0 }),
        Clicked: (s) => { s.n++; return s; }, $deleted: (s) => { s.gone = true; } })`,
    );
    await given.caughtUp();
    await given.log().softDelete('gone-1', 'any');
    await given.caughtUp();
    expect(await given.state(name, 'gone-1')).to.deep.equal({ n: 1, gone: true });
  });

  it('an event cannot be changed, and its body is the same object each time', async () => {
    const query = `fromStream('film-2').when({ Clicked: (s, e) => {
      e.sequenceNumber = 7; e.data.by = 'changed';
      return { n: e.sequenceNumber, by: e.body.by, raw: e.bodyRaw, type: e.eventType,
        category: e.category, json: e.isJson, meta: e.metadata, none: e.partition } } })`;
    expect(await states(query, '')).to.deep.equal([
      {
        n: 0,
        by: 'changed',
        raw: '{"by":"bob"}',
        type: 'Clicked',
        category: null,
        json: true,
        meta: {},
        none: '',
      },
    ]);
  });

  it('transformBy and filterBy make the result, and leave the state as it is', async () => {
    await given.create(
      'results',
      `fromCategory('film').foreachStream()${COUNT}
        .transformBy((s) => { s.n *= 10; return s; }).filterBy((s) => s.n > 10)`,
    );
    await given.caughtUp();
    expect(await given.state('results', 'film-1')).to.deep.equal({ n: 2 });
    expect(await given.result('results', 'film-1')).to.deep.equal({ n: 20 });
    expect(await given.result('results', 'film-2')).to.equal(undefined);
  });

  it('outputTo names the streams of results', async () => {
    await given.create(
      'named',
      `fromCategory('film').foreachStream()${COUNT}.outputState().outputTo('all-n', 'n-of-{0}')`,
    );
    await given.caughtUp();
    expect(given.stream('n-of-film-1')).to.deep.equal(['{"n":1}', '{"n":2}']);
    expect(given.stream('all-n')).to.deep.equal([
      '0@n-of-film-1',
      '0@n-of-film-2',
      '1@n-of-film-1',
    ]);
  });

  it('links are read as what they name, and $includeLinks has fromAll read them too', async () => {
    await given.create(
      'linking',
      `fromStream('film-2').when({ $any: (s, e) => { linkTo('l-1', e); } })`,
    );
    await given.caughtUp();
    expect(await states(`fromStream('l-1')${SEEN}`, '')).to.deep.equal([['film-2@0']]);
    const seen = `.when({ $init: () => ({ n: 0 }), Clicked: (s, e) => { if (e.streamId === 'film-2') s.n++; } })`;
    expect(await states(`fromAll()${seen}`, '')).to.deep.equal([{ n: 1 }]);
    const query = `options({ $includeLinks: true }); fromAll()${seen}`;
    expect(await states(query, '')).to.deep.equal([{ n: 2 }]);
  });

  it('what readers of a stream cannot see, a projection does not see', async () => {
    await given.append('cut-1', ['Clicked', {}], ['Clicked', {}], ['Clicked', {}]);
    await given.log().append('$$cut-1', 'any', [metadataEvent({ $tb: 2 })]);
    const each = `fromCategory('cut').foreachStream()${COUNT}`;
    expect(await states(each, 'cut-1')).to.deep.equal([{ n: 1 }]);
    expect(await states(`fromStream('cut-1')${COUNT}`, '')).to.deep.equal([{ n: 1 }]);
  });

  it('names that objects know, NUL and lone surrogates are partitions like others', async () => {
    const names = ['constructor', '__proto__', 'a\u0000b', '\ud800', '\udfff', ' '];
    await given.append('names-1', ...names.map((of) => ['Named', { of }] as const));
    const query = `fromStream('names-1').partitionBy((e) => e.data.of)
      .when({ $init: () => ({ n: 0 }), Named: (s, e) => ({ n: s.n + 1, of: e.data.of }) })`;
    const found = await states(query, ...names);
    expect(found).to.deep.equal(names.map((of) => ({ n: 1, of })));
  });

  const FAULTS: readonly (readonly [title: string, query: string, reason: RegExp])[] = [
    ['an async handler', `fromAll().when({ $any: async (s) => s })`, /returned a promise/],
    ['a Map in a state', `fromAll().when({ $any: () => ({ m: new Map() }) })`, /A Map in a state/],
    [
      'a function in a state',
      `fromAll().when({ $any: () => ({ f() {} }) })`,
      /A function in a state/,
    ],
    [
      'a number without a JSON form',
      `fromAll().when({ $any: () => [NaN] })`,
      /\.NET number values/,
    ],
    [
      'a cyclic state',
      `fromAll().when({ $any: (s) => { s.s = s; return s; } })`,
      /outside the bounds/,
    ],
    ['an unknown option', `options({ x: 1 }); fromAll().when({})`, /Unrecognized option: x/],
    ['foreachStream of one stream', `fromStream('a').foreachStream()`, /not a function/],
    ['no source', `1`, /None of streams and categories/],
    ['$deleted without foreachStream', `fromAll().when({ $deleted() {} })`, /foreachStream/],
    ['a text of another language', `from all`, /Unexpected identifier/],
    ['an unknown name', `nothingLikeThis()`, /nothingLikeThis is not defined/],
  ];
  for (const [title, query, reason] of FAULTS) {
    it(`${title} is a fault with its name`, async () => {
      expect(await faultOf(query)).to.match(reason);
    });
  }

  it('a failing handler leaves what was before its event, and says where it failed', async () => {
    await given.create(
      'fails',
      `fromStream('film-1').when({ $init: () => ({ n: 0 }),
        Clicked: (s, e) => { s.n++; emit('half', 'Done', {}); if (e.sequenceNumber > 0) throw new Error('No.'); return s; } })`,
    );
    await given.caughtUp();
    expect(given.status('fails')).to.equal('Faulted (Enabled)');
    expect(given.reason('fails')).to.equal(
      'The fails projection failed to process an event. Handler: ' +
        'EventStore.Projections.Core.Services.Interpreted.JintProjectionStateHandler ' +
        'Event Position: film-1: 2 Message: No.',
    );
    expect(await given.state('fails')).to.deep.equal({ n: 1 });
    expect(given.stream('half')).to.have.length(1);
  });
});
