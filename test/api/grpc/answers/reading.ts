import { BACKWARDS, END, NO_STREAM, START, type StreamMetadata } from '@eventstore/db-client';
import { event, named, type Asking, type Question } from './asking.js';

const READS = [
  ['fwd', {}],
  ['fwd 2', { maxCount: 2 }],
  ['from 3', { fromRevision: 3n }],
  ['from 99', { fromRevision: 99n }],
  ['back', { direction: BACKWARDS, fromRevision: END }],
  ['back from 2', { direction: BACKWARDS, fromRevision: 2n }],
  ['back from 99', { direction: BACKWARDS, fromRevision: 99n, maxCount: 2 }],
  ['back from start', { direction: BACKWARDS, fromRevision: START }],
  ['fwd from end', { fromRevision: END }],
  ['max 0', { maxCount: 0 }],
] as const;

const METADATA = [
  '{"maxCount":0}',
  '{"maxCount":-1}',
  '{"maxAge":0}',
  '{"truncateBefore":-5}',
  '{"maxCount":1.5}',
  '{"maxCount":"x"}',
  '{"cacheControl":5}',
  '{"foo":{"bar":1}}',
  '{"acl":{"readRoles":["$all"]}}',
];

export const reading = ({ client, read }: Asking): Question[] => [
  ...READS.map(([what, options]): Question => [`read ${what}`, () => read(named('a'), options)]),
  ['read missing', () => read(named('nope'))],
  ['read $$ of missing', () => read(`$$${named('nope')}`)],
  [
    'setmeta maxCount 2',
    async () => {
      const expected = { expectedRevision: NO_STREAM } as const;
      const result = await client.setStreamMetadata(named('a'), { maxCount: 2 }, expected);
      return result.nextExpectedRevision;
    },
  ],
  ['read after maxCount', () => read(named('a'))],
  ['back after maxCount', () => read(named('a'), { direction: BACKWARDS, fromRevision: END })],
  ['from 0 max 1 after maxCount', () => read(named('a'), { fromRevision: 0n, maxCount: 1 })],
];

export const metadata = ({ client, append, read, follow }: Asking): Question[] => {
  const stream = named('a');
  const set = async (name: string, content: StreamMetadata) =>
    (await client.setStreamMetadata(name, content)).nextExpectedRevision;
  const get = async (name: string) => (await client.getStreamMetadata(name)).metadata;
  return [
    ['setmeta truncateBefore 4', () => set(stream, { truncateBefore: 4 })],
    ['read after tb', () => read(stream)],
    ['getmeta', () => get(stream)],
    ['getmeta missing', async () => (await get(named('zz'))) ?? null],
    ['setmeta tb beyond', () => set(stream, { truncateBefore: 100 })],
    ['read tb beyond', () => read(stream)],
    ['append after tb beyond', () => append(stream, [event(50)], { expectedRevision: 4n })],
    ['read after append tb beyond', () => read(stream)],
    [
      'subscribe tb beyond',
      () => follow(client.subscribeToStream(stream, { fromRevision: START })),
    ],
    ...METADATA.map((json): Question => [
      `setmeta ${json}`,
      async () => {
        const revision = await set(named('md'), JSON.parse(json) as StreamMetadata);
        return [revision, await get(named('md'))];
      },
    ]),
  ];
};
