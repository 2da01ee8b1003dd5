import { eventTypeFilter, START, streamNameFilter, type Filter } from '@eventstore/db-client';
import { event, TAG, type Asking, type Question } from './asking.js';

const STREAMS = [
  `^${TAG}\\.x\\[1\\]$`,
  `^${TAG}\\-f\\ 2$`,
  `^${TAG}\\#3$`,
  `(?i)^${TAG.toUpperCase()}\\.X`,
  `^${TAG}(?!-)`,
  `^(?<n>${TAG})#`,
  `^${TAG}\\p{P}x`,
  `^${TAG}[\\w-[a]]*$`,
  `(?x) ^${TAG} \\# 3`,
  `^${TAG}\\A`,
  `\\A${TAG}\\.x`,
  `${TAG}#3\\z`,
  `${TAG}#3\\Z`,
  '(',
  '*',
  '[',
  `^(?>${TAG})#`,
  `^${TAG}(?#comment)#`,
  `(?s)^${TAG}.x`,
  `(?m)^${TAG}#3$`,
  '\\e',
  `^${TAG}#\\x33$`,
  `^${TAG}#\\u0033$`,
  `^${TAG}#\\d$`,
];

const TYPES = ['^Type\\.A$', '(?i)^type\\.a$', '^(?i)type\\.a$', '^Type.A$'];

const PREFIXES = [[`${TAG}#`, `${TAG}.`], ['']];

/** The client itself refuses a window or an interval of 0. */
export const filtering = ({ client, append, all }: Asking): Question[] => {
  const found = (filter: Filter) => all(client.subscribeToAll({ fromPosition: START, filter }));
  const prepare = async () => {
    await append(`${TAG}.x[1]`, [event(1, 'Type.A')]);
    await append(`${TAG}-f 2`, [event(2, 'type.a')]);
    await append(`${TAG}#3`, [event(3, 'TypeXA')]);
  };
  const prefixes = [`${TAG}#`];
  return [
    ...STREAMS.map((regex, number): Question => [
      `regex stream ${regex}`,
      async () => {
        if (number === 0) await prepare();
        return found(streamNameFilter({ regex }));
      },
    ]),
    ...TYPES.map((regex): Question => [
      `regex type ${regex}`,
      () => found(eventTypeFilter({ regex })),
    ]),
    ...PREFIXES.map((some): Question => [
      `prefix ${JSON.stringify(some)}`,
      () => found(streamNameFilter({ prefixes: some })),
    ]),
    ['maxSearchWindow 0', async () => found(streamNameFilter({ prefixes, maxSearchWindow: 0 }))],
    [
      'checkpointInterval 0',
      async () => found(streamNameFilter({ prefixes, checkpointInterval: 0 })),
    ],
  ];
};
