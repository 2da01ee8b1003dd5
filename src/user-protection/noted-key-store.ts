import { randomUUID } from 'node:crypto';
import { WrongExpectedRevisionError } from '../ports/errors.js';
import type { EventStore } from '../ports/event-store.js';

const KEY_STORE_STREAM = 'user-keys';

/** Whether the log ever had a key store. */
export const isKeyStoreNoted = async (store: Pick<EventStore, 'head'>): Promise<boolean> =>
  (await store.head(KEY_STORE_STREAM)) !== 'no_stream';

/** Notes in the log that it has a key store, once. */
export const noteKeyStore = async (store: Pick<EventStore, 'head' | 'append'>): Promise<void> => {
  if (await isKeyStoreNoted(store)) return;
  const event = {
    id: randomUUID(),
    type: 'KeyStoreMade',
    data: { schemaVersion: 1 },
    metadata: {},
  };
  try {
    await store.append(KEY_STORE_STREAM, 'no_stream', [event]);
  } catch (error) {
    if (!(error instanceof WrongExpectedRevisionError)) throw error;
  }
};
