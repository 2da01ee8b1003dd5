import { binaryEvent, jsonEvent, START } from '@eventstore/db-client';
import { event, named, type Asking, type Question } from './asking.js';

export const linking = ({ client, append, read, follow }: Asking): Question[] => {
  const links = named('links');
  const link = (name: string, revision: number) =>
    binaryEvent({ type: '$>', data: Buffer.from(`${revision}@${named(name)}`) });
  return [
    [
      'src',
      () =>
        append(
          named('src'),
          [0, 1, 2].map((n) => event(n)),
        ),
    ],
    [
      'append links',
      () =>
        append(links, [
          link('src', 0),
          link('src', 2),
          link('src', 9),
          link('nosuch', 0),
          link('none3', 0),
        ]),
    ],
    ['read links raw', () => read(links)],
    ['read links resolved', () => read(links, { resolveLinkTos: true })],
    [
      'sub links resolved',
      () => follow(client.subscribeToStream(links, { fromRevision: START, resolveLinkTos: true })),
    ],
    [
      'json links',
      () => append(named('jl'), [jsonEvent({ type: '$>', data: `1@${named('src')}` })]),
    ],
    ['read json links', () => read(named('jl'), { resolveLinkTos: true })],
    [
      'links to deleted',
      async () => {
        await client.deleteStream(named('src'));
        return read(links, { resolveLinkTos: true, maxCount: 2 });
      },
    ],
  ];
};
