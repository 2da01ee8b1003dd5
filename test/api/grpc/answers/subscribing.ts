import { BACKWARDS, END, START } from '@eventstore/db-client';
import { event, named, type Asking, type Question } from './asking.js';

export const subscribing = ({ client, append, follow, all }: Asking): Question[] => {
  const later = named('later');
  const from = (fromRevision: bigint | typeof START | typeof END) =>
    client.subscribeToStream(later, { fromRevision });
  const appended = (n: number) => () => append(later, [event(n)]);
  /** Waits until another subscription has received the event too. */
  const appendedAndSent = (n: number) => async () => {
    await append(later, [event(n)]);
    await follow(from(START));
  };
  const allFrom = (commit: bigint, prepare: bigint) => () =>
    all(client.subscribeToAll({ fromPosition: { commit, prepare } }));
  return [
    ['sub missing then append', () => follow(from(START), { live: appended(1), lasting: 1 })],
    ['sub from end', () => follow(from(END), { live: appended(2), lasting: 1 })],
    ['sub from 0', () => follow(from(0n))],
    ['sub from 55', () => follow(from(55n), { live: appendedAndSent(3) })],
    ['all from weird position', allFrom(7n, 7n)],
    ['all from beyond', allFrom(999999999999n, 999999999999n)],
    ['all prepare above commit', allFrom(5n, 50n)],
    [
      'readAll backwards 2',
      async () => {
        const read: boolean[] = [];
        const options = { direction: BACKWARDS, fromPosition: END, maxCount: 2 } as const;
        for await (const { event: of } of client.readAll(options)) read.push(of !== undefined);
        return read;
      },
    ],
    [
      'readAll max 0',
      async () => {
        const read: unknown[] = [];
        for await (const resolved of client.readAll({ maxCount: 0 })) read.push(resolved);
        return read;
      },
    ],
  ];
};
