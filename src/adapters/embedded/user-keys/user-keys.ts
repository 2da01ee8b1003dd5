import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { UnavailableError } from '../../../ports/errors.js';
import type { UserKey, UserKeys } from '../../../ports/user-protection.js';
import {
  closeWriting,
  openForWriting,
  openReadConnection,
  portErrorOf,
  type SqliteFailure,
} from '../read-store/file.js';
import { type KeyWrite, USER_KEYS, USER_KEYS_FILE } from './key-file.js';
import type { KeyWrites, KeyWritesDone } from './writer-thread.js';

interface WaitingWrite {
  readonly write: KeyWrite;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const SELECT_KEY = 'SELECT hash, subject, wrapped_key FROM user_keys WHERE';

/**
 * The key store in a file of its own. A writer thread waits for the disk; writes that arrive during a
 * transaction share the next one.
 */
export const openEmbeddedUserKeys = async ({
  dataDir,
}: {
  readonly dataDir: string;
}): Promise<UserKeys> => {
  await mkdir(dataDir, { recursive: true });
  const path = join(dataDir, USER_KEYS_FILE);
  // Created and checked here, so that opening a damaged file fails.
  closeWriting(openForWriting(path, USER_KEYS));
  const reader = openReadConnection(path, USER_KEYS);
  const writer = startKeyWriter(path);
  let closing: Promise<void> | undefined;

  const ensureOpen = (): void => {
    if (closing !== undefined) throw new UnavailableError(CLOSED);
  };

  const one = (condition: string, value: string): UserKey | null => {
    ensureOpen();
    const row = reader.get(`${SELECT_KEY} ${condition} = ?`, value) as
      [hash: string, subject: string, wrappedKey: string] | undefined;
    return row === undefined ? null : { hash: row[0], subject: row[1], wrappedKey: row[2] };
  };

  const storeKey = (): string | null => {
    ensureOpen();
    const row = reader.get('SELECT wrapped FROM store_key') as [string] | undefined;
    return row?.[0] ?? null;
  };

  const write = async (wanted: KeyWrite): Promise<void> => {
    ensureOpen();
    await writer.write(wanted);
  };

  const close = async (): Promise<void> => {
    await writer.close();
    reader.close();
  };

  return {
    find: async (hash) => Promise.resolve(one('hash', hash)),
    findSubject: async (subject) => Promise.resolve(one('subject', subject)),
    keep: async (key) => {
      // Another call may remove the key before it is read: try again.
      for (;;) {
        await write({ kind: 'keep', key });
        const kept = one('hash', key.hash);
        if (kept !== null) return kept;
      }
    },
    remove: (subject) => write({ kind: 'remove', subject }),
    storeKey: async () => Promise.resolve(storeKey()),
    keepStoreKey: async (wrapped) => {
      await write({ kind: 'keep-store-key', wrapped });
      return storeKey() ?? wrapped;
    },
    replaceStoreKey: (present, next) => write({ kind: 'replace-store-key', present, next }),
    ping: async () => {
      ensureOpen();
      await writer.alive();
      storeKey();
    },
    close: () => (closing ??= close()),
  };
};

const CLOSED = 'The key store is closed.';

const startKeyWriter = (path: string) => {
  const worker = new Worker(new URL('./writer-thread.js', import.meta.url), { workerData: path });
  let waiting: WaitingWrite[] = [];
  /** Writes in flight. Empty, not null, until the thread has opened the file. */
  let current: readonly WaitingWrite[] | null = [];
  let death: UnavailableError | undefined;
  let cause: unknown;

  const next = (): void => {
    current = waiting.length > 0 ? waiting : null;
    waiting = [];
    if (current !== null) worker.postMessage(current.map(({ write }) => write) satisfies KeyWrites);
  };

  worker.on('message', (failure: KeyWritesDone) => {
    const done = current ?? [];
    const error = failure === null ? undefined : keyStoreError(failure, path);
    for (const { resolve, reject } of done) {
      if (failure === null) resolve();
      else reject(error);
    }
    next();
  });
  worker.on('error', (error) => (cause = error));

  const ended = new Promise<void>((resolve) => {
    worker.once('exit', () => {
      death = new UnavailableError('The writer thread of the key store ended.', { cause });
      for (const { reject } of [...(current ?? []), ...waiting]) reject(death);
      waiting = [];
      resolve();
    });
  });

  /** Writes settle in order, so once the last has settled, all have. */
  let last: Promise<void> = Promise.resolve();

  const write = (wanted: KeyWrite): Promise<void> => {
    const written = new Promise<void>((resolve, reject) => {
      if (death !== undefined) throw death;
      waiting.push({ write: wanted, resolve, reject });
      if (current === null) next();
    });
    last = written.catch(() => undefined);
    return written;
  };

  return {
    write,
    alive: () => (death === undefined ? Promise.resolve() : Promise.reject(death)),
    close: async (): Promise<void> => {
      await last;
      worker.postMessage([] satisfies KeyWrites);
      await ended;
    },
  };
};

const keyStoreError = (failure: SqliteFailure, path: string): unknown =>
  failure.kind === 'not-now'
    ? new UnavailableError('The key store is temporarily unavailable.', {
        context: { reason: failure.message },
      })
    : portErrorOf(failure, USER_KEYS.remedy(path));
