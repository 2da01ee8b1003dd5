import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../../src/embedded-eventstore/sqlite.js';

const PAYLOAD = Buffer.alloc(290, 'x');

/**
 * The ceiling for a log on this disk: events of 290 bytes with a unique (stream, revision), in
 * groups of one transaction and one fsync each, written by a thread that does nothing else.
 */
export const storageLimit = (groupSize: number, durationMs: number): number => {
  const directory = mkdtempSync(join(tmpdir(), 'anime-analytics-l2-'));
  const db = openDatabase(join(directory, 'limit.db'));
  try {
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    db.exec(`CREATE TABLE events (
      position INTEGER PRIMARY KEY, stream INTEGER NOT NULL, revision INTEGER NOT NULL,
      id TEXT NOT NULL, payload BLOB NOT NULL, UNIQUE (stream, revision)
    ) STRICT`);
    const insert = db.prepare(
      'INSERT INTO events (stream, revision, id, payload) VALUES (?, ?, ?, ?)',
    );
    const startedAt = performance.now();
    let written = 0;
    while (performance.now() - startedAt < durationMs) {
      db.exec('BEGIN IMMEDIATE');
      for (let index = 0; index < groupSize; index += 1) {
        insert.run(written % 1000, Math.floor(written / 1000), randomUUID(), PAYLOAD);
        written += 1;
      }
      db.exec('COMMIT');
    }
    return (written / (performance.now() - startedAt)) * 1000;
  } finally {
    db.close();
    rmSync(directory, { recursive: true, force: true });
  }
};
