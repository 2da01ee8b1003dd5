import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UnavailableError } from '../../ports/errors.js';
import { type DeadLetter, type DeadLetters, keptValue } from '../../ports/dead-letters.js';
import { nulFree, type SqlValue, transaction, withNul } from '../../embedded-eventstore/sqlite.js';
import {
  closeWriting,
  type FileKind,
  openForWriting,
  withStorePortErrors,
} from './read-store/file.js';

const DEAD_LETTER_FILE: FileKind = {
  applicationId: 0x416e446c,
  schemaVersion: 1,
  settings: 'PRAGMA synchronous = FULL;',
  remedy: (path) =>
    `The dead letters in ${path} cannot be read by this version of the service. ` +
    'Stop the service and move the file away: it holds only the list of events that could not be applied.',
  schema: `
    CREATE TABLE letters (
      id INTEGER PRIMARY KEY,
      key TEXT NOT NULL UNIQUE,
      stream TEXT,
      revision INTEGER,
      source TEXT NOT NULL,
      reason TEXT NOT NULL,
      value BLOB,
      at TEXT NOT NULL
    ) STRICT;`,
};

const ADD = `
  INSERT INTO letters (key, stream, revision, source, reason, value, at)
  VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;

const LIST_LETTERS =
  'SELECT stream, revision, source, reason, value, at FROM letters ORDER BY id LIMIT ?';

interface Pending {
  readonly letter: DeadLetter;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Dead letters in a file of their own, because they outlive the read models. Letters added in one
 * turn of the event loop share a transaction, so a flood of them does not block the process.
 */
export const openDeadLetters = async ({
  dataDir,
}: {
  readonly dataDir: string;
}): Promise<DeadLetters & { close(): Promise<void> }> => {
  await mkdir(dataDir, { recursive: true });
  const path = join(dataDir, 'dead-letters.db');
  const db = openForWriting(path, DEAD_LETTER_FILE);
  const insert = db.prepare(ADD);
  const select = db.prepare(LIST_LETTERS);
  select.setReturnArrays(true);
  let pending: Pending[] = [];
  let closed = false;

  const ensureOpen = (): void => {
    if (closed) throw new UnavailableError('The list of dead letters is closed.');
  };

  const write = (letters: readonly DeadLetter[]): void =>
    transaction(db, () => {
      for (const letter of letters) insert.run(...rowOf(letter));
    });

  const flush = (): void => {
    const group = pending;
    pending = [];
    if (group.length === 0) return;
    try {
      withStorePortErrors(DEAD_LETTER_FILE.remedy(path), () =>
        write(group.map(({ letter }) => letter)),
      );
      group.forEach(({ resolve }) => resolve());
    } catch (error) {
      group.forEach(({ reject }) => reject(error));
    }
  };

  return {
    add: (letter) =>
      new Promise((resolve, reject) => {
        ensureOpen();
        pending.push({ letter, resolve, reject });
        if (pending.length === 1) setImmediate(flush);
      }),

    list: (limit) =>
      new Promise((resolve) => {
        ensureOpen();
        resolve(
          withStorePortErrors(DEAD_LETTER_FILE.remedy(path), () => select.all(limit)).map(letterOf),
        );
      }),

    close: () =>
      new Promise((resolve) => {
        if (!closed) {
          flush();
          closed = true;
          closeWriting(db);
        }
        resolve();
      }),
  };
};

/** A letter without a stream and revision is identified by its source. */
const keyOf = ({ stream, revision, source }: DeadLetter): string =>
  JSON.stringify(stream === null || revision === null ? [source] : [stream, revision]);

const rowOf = (letter: DeadLetter): SqlValue[] => [
  keyOf(letter),
  letter.stream === null ? null : nulFree(letter.stream),
  letter.revision,
  nulFree(letter.source),
  nulFree(letter.reason),
  keptValue(letter),
  letter.at,
];

type LetterRow = [
  stream: string | null,
  revision: number | null,
  source: string,
  reason: string,
  value: Uint8Array | null,
  at: string,
];

const letterOf = (row: unknown): DeadLetter => {
  const [stream, revision, source, reason, value, at] = row as LetterRow;
  return {
    stream: stream === null ? null : withNul(stream),
    revision,
    source: withNul(source),
    reason: withNul(reason),
    value,
    at,
  };
};
