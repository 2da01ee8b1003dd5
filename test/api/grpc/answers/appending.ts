import { ANY, jsonEvent, NO_STREAM, STREAM_EXISTS } from '@eventstore/db-client';
import { randomUUID } from 'node:crypto';
import { event, named, TAG, type Asking, type Question } from './asking.js';

const [FIRST_ID, TWICE_ID] = [randomUUID(), randomUUID()];

export const appending = ({ append }: Asking): Question[] => {
  const first = event(1, 'T', { id: FIRST_ID });
  const stream = named('a');
  return [
    [
      'append many no_stream',
      () =>
        append(
          stream,
          [0, 1, 2, 3, 4].map((n) => event(n)),
          { expectedRevision: NO_STREAM },
        ),
    ],
    ['append again no_stream', () => append(stream, [event(9)], { expectedRevision: NO_STREAM })],
    ['append exact wrong high', () => append(stream, [event(9)], { expectedRevision: 77n })],
    [
      'append exists missing',
      () => append(named('nope'), [event(9)], { expectedRevision: STREAM_EXISTS }),
    ],
    [
      'append empty list no_stream',
      () => append(named('empty'), [], { expectedRevision: NO_STREAM }),
    ],
    ['append empty list any existing', () => append(stream, [], { expectedRevision: ANY })],
    ['append empty list exact', () => append(stream, [], { expectedRevision: 4n })],
    ['append empty list wrong', () => append(stream, [], { expectedRevision: 3n })],
    ['idem any 1', () => append(named('i'), [first], { expectedRevision: ANY })],
    ['idem any 2', () => append(named('i'), [first], { expectedRevision: ANY })],
    ['idem no_stream', () => append(named('i'), [first], { expectedRevision: NO_STREAM })],
    ['idem exact after', () => append(named('i'), [first], { expectedRevision: 0n })],
    ['idem partial', () => append(named('i'), [first, event(2)], { expectedRevision: NO_STREAM })],
    [
      'two same ids in one append',
      () =>
        append(named('twice'), [event(1, 'T', { id: TWICE_ID }), event(2, 'T', { id: TWICE_ID })], {
          expectedRevision: NO_STREAM,
        }),
    ],
    ...NAMES.map(([what, name]): Question => [
      `append to name ${what}`,
      () => append(name, [event(1)], { expectedRevision: ANY }),
    ]),
    ...TYPES.map(([what, type]): Question => [
      `append type ${what}`,
      () => append(named('types'), [event(1, type)], { expectedRevision: ANY }),
    ]),
    [
      'metadata JSON wrong',
      () => append(`$$${named('m')}`, [jsonEvent({ type: '$metadata', data: 'no' })]),
    ],
  ];
};

const NAMES = [
  ['dollar', `$${TAG}`],
  ['dollar dollar', `$$${named('a')}`],
  ['spaces', `${TAG} with blank`],
  ['empty name', ''],
  ['very long', `${TAG}${'x'.repeat(2000)}`],
  ['unicode', `${TAG}-日本語-é`],
  ['nul', `${TAG}\0x`],
  ['newline', `${TAG}\nx`],
] as const;

const TYPES = [
  ['empty type', ''],
  ['dollar type', '$x'],
  ['unicode type', 'Tipo-é日'],
  ['long type', 'x'.repeat(3000)],
  ['$> type', '$>'],
  ['$@ type', '$@'],
  ['$metadata type', '$metadata'],
] as const;
