import {
  ANY,
  NO_STREAM,
  START,
  STREAM_EXISTS,
  type DeleteStreamOptions,
} from '@eventstore/db-client';
import { event, named, type Asking, type Question } from './asking.js';

export const deleting = ({ client, append, read, follow }: Asking): Question[] => {
  type Expected = NonNullable<DeleteStreamOptions['expectedRevision']>;
  const remove = (name: string, expectedRevision: Expected) => async () => {
    await client.deleteStream(named(name), { expectedRevision });
    return 'ok';
  };
  const tombstone = (expectedRevision: Expected) => async () => {
    await client.tombstoneStream(named('none3'), { expectedRevision });
    return 'ok';
  };
  const metadataOf = async (name: string) => (await client.getStreamMetadata(named(name))).metadata;
  return [
    [
      'delete wrong',
      async () => {
        await append(
          named('del'),
          [0, 1, 2].map((n) => event(n)),
        );
        return remove('del', 9n)();
      },
    ],
    ['delete no_stream existing', remove('del', NO_STREAM)],
    [
      'delete ok',
      async () => {
        const deleted = await client.deleteStream(named('del'), { expectedRevision: 2n });
        return deleted.position !== undefined;
      },
    ],
    ['read deleted', () => read(named('del'))],
    ['meta of deleted', () => metadataOf('del')],
    ['delete again any', remove('del', ANY)],
    // The client's type omits it and its code rejects it.
    ['delete again exists', remove('del', STREAM_EXISTS as string as Expected)],
    [
      'append exists to deleted',
      () => append(named('del'), [event(3)], { expectedRevision: STREAM_EXISTS }),
    ],
    [
      'append no_stream to deleted',
      () => append(named('del'), [event(3)], { expectedRevision: NO_STREAM }),
    ],
    ['read recreated', () => read(named('del'))],
    ['meta of recreated', () => metadataOf('del')],
    ['delete missing any', remove('none1', ANY)],
    ['delete missing no_stream', remove('none2', NO_STREAM)],
    ['tombstone missing no_stream', tombstone(NO_STREAM)],
    ['read it', () => read(named('none3'))],
    ['append to it', () => append(named('none3'), [event(1)], { expectedRevision: ANY })],
    ['tombstone again', tombstone(ANY)],
    ['delete tombstoned', remove('none3', ANY)],
    [
      'subscribe tombstoned',
      () => follow(client.subscribeToStream(named('none3'), { fromRevision: START })),
    ],
    ['getmeta tombstoned', async () => (await metadataOf('none3')) ?? null],
  ];
};
