/** What a process projects until it is killed, and what a fold in plain JavaScript must find afterwards. */
export const CRASH_PROJECTIONS = {
  each: `fromCategory('film').foreachStream().when({ $init: () => ({ n: 0 }),
    Clicked: (s, e) => ({ n: s.n + 1, last: e.sequenceNumber }) })`,
  users: `fromCategory('film').partitionBy((e) => e.data.by).when({ $init: () => ({ n: 0 }),
    Clicked: (s) => { s.n += 1; return s; } })`,
  emits: `fromCategory('film').when({ Clicked: (s, e) => {
    emit('seen-' + e.streamId, 'Seen', { n: e.sequenceNumber }); } })`,
  links: `fromCategory('film').when({ Clicked: (s, e) => { linkTo('of ' + e.data.by, e); } })`,
} as const;
