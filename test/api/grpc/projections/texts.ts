const COUNT = `.when({ $init: () => ({ n: 0 }), Clicked: (s, e) => { s.n += 1; return s; } })`;

/** The queries, by name, in the order in which they are created. */
export const QUERIES: Readonly<Record<string, string>> = {
  'count-stream': `fromStream('movie-1')${COUNT}`,
  'count-each': `fromCategory('movie').foreachStream()${COUNT}`,
  'any-each': `fromCategory('movie').foreachStream().when({ $init: () => ({}), $any: (s, e) => { s[e.eventType] = (s[e.eventType] || 0) + 1; s.last = e.sequenceNumber; return s; } })`,
  'by-user': `fromCategory('movie').partitionBy((e) => e.data && e.data.by).when({ $init: () => ({ n: 0, stars: 0 }), Clicked: (s) => { s.n++; return s; }, Rated: (s, e) => { s.stars += e.data.stars; return s; } })`,
  several: `fromStreams(['movie-1', 'movie-2', 'book-1']).when({ $init: () => ({ order: [] }), $any: (s, e) => { s.order.push(e.streamId + '@' + e.sequenceNumber); return s; } })`,
  envelope: `fromStream('movie-1').when({ $init: () => ({}), Rated: (s, e) => ({ keys: Object.keys(e).sort(), own: ['isJson','data','body','bodyRaw','sequenceNumber','metadataRaw','linkMetadataRaw','partition','eventId','category','created','streamId','eventType','metadata','linkMetadata'].filter((k) => e[k] !== undefined), types: [typeof e.data, typeof e.body, typeof e.bodyRaw, typeof e.sequenceNumber, typeof e.metadata, typeof e.metadataRaw, typeof e.isJson], meta: e.metadata, id: e.eventId, cat: e.category, part: e.partition }) })`,
  'no-init': `fromStream('movie-1').when({ Clicked: (s, e) => { return { was: s, n: e.data.n }; } })`,
  'no-return': `fromStream('movie-1').when({ $init: () => ({ n: 0 }), Clicked: (s) => { s.n++; } })`,
  'undefined-init': `fromStream('movie-1').when({ $init: () => { return { n: 1 }; } })`,
  result: `fromCategory('movie').foreachStream().when({ $init: () => ({ n: 0 }), Clicked: (s) => { s.n++; return s; } }).transformBy((s) => ({ double: s.n * 2 })).filterBy((s) => s.double > 20).outputState()`,
  output: `fromStream('movie-2').when({ $init: () => ({ n: 0 }), Clicked: (s) => { s.n++; return s; } }).outputState()`,
  'output-named': `options({ resultStreamName: 'answers' }); fromStream('movie-2').when({ $init: () => ({ n: 0 }), Rated: (s) => { s.n++; return s; } }).outputState()`,
  shared: `fromCategory('movie').foreachStream().when({ $initShared: () => ({ all: 0 }), $init: () => ({ n: 0 }), Clicked: (s) => { s[0].n++; s[1].all++; return s; } })`,
  deleted: `fromCategory('movie').foreachStream().when({ $init: () => ({ n: 0, gone: false }), Clicked: (s) => { s.n++; return s; }, $deleted: (s) => { s.gone = true; return s; } })`,
  emits: `fromStream('movie-1').when({ Rated: (s, e) => { emit('rated-' + e.data.by, 'Star', { stars: e.data.stars, from: e.sequenceNumber }, { own: 1 }); } })`,
  links: `fromCategory('movie').when({ Rated: (s, e) => { linkTo('ratings-of-' + e.data.by, e, { why: 'rated' }); } })`,
  copies: `fromStream('movie-2').when({ Rated: (s, e) => { copyTo('copied', e, { c: 1 }); linkStreamTo('streams-linked', e.streamId, { l: 1 }); } })`,
  'emit-off': `fromStream('movie-1').when({ Rated: (s, e) => { emit('never', 'Star', {}); } })`,
  throws: `fromStream('movie-1').when({ $init: () => ({ n: 0 }), Clicked: (s, e) => { if (e.data.n > 3) throw new Error('It broke.'); s.n++; return s; } })`,
  syntax: `fromStream('movie-1').when({`,
  nothing: `var x = 1;`,
  values: `fromStream('odd-1').when({ $init: () => ({ seen: [] }), $any: (s, e) => { s.seen.push([e.eventType, e.isJson, e.data === undefined ? 'undefined' : e.data, e.bodyRaw === undefined ? 'undefined' : e.bodyRaw]); return s; } })`,
  dates: `fromStream('movie-1').when({ $init: () => ({}), Rated: (s, e) => ({ d: new Date(0), u: undefined, nan: NaN, inf: 1/0, big: 9007199254740993, neg0: -0, nested: { a: [1, , 3] }, uni: 'é日\\u{1F600}' }) })`,
  all: `fromAll().when({ $init: () => ({ n: 0, system: 0 }), $any: (s, e) => { if (/^(movie|book|odd)-/.test(e.streamId) && e.eventType[0] !== '$') s.n++; else if (/^(movie|book|odd)-/.test(e.streamId)) s.system++; return s; } })`,
};

/** Those that may write. */
export const EMITTING: ReadonlySet<string> = new Set([
  'emits',
  'links',
  'copies',
  'result',
  'output',
  'output-named',
]);

/** The partitions whose states are asked for; for all others, the only one. */
export const PARTITIONS: Readonly<Record<string, readonly string[]>> = {
  'count-each': ['movie-1', 'movie-2', 'movie-3', 'movie-9', ''],
  'any-each': ['movie-1', 'movie-3'],
  'by-user': ['ann', 'bob', 'cleo', 'nobody', ''],
  result: ['movie-1', 'movie-2', 'movie-3'],
  shared: ['movie-1', 'movie-2', ''],
  deleted: ['movie-1', 'movie-3'],
};

/** What was emitted, and three streams of links. */
export const STREAMS: readonly string[] = [
  'rated-ann',
  'rated-bob',
  'ratings-of-cleo',
  'copied',
  'streams-linked',
  'never',
  'answers',
  '$projections-output-result',
  '$projections-result-movie-1-result',
  '$projections-result-result',
  '$projections-result-movie-3-result',
  '$ce-book',
  '$et-Rated',
  '$category-movie',
];
