import { expect } from 'chai';
import {
  classifyAppend,
  type StoredEvent,
  type StreamView,
  type AppendClass,
} from '../../../src/embedded-eventstore/log/append-rules.js';
import type { Expected } from '../../../src/embedded-eventstore/log/event-log.js';
import { NO_METADATA } from '../../../src/embedded-eventstore/log/stream-metadata.js';

/** A stream of events a, b, c ... whose ids are cached by default. */
const given = (
  ids: string,
  options: {
    readonly softDeleted?: boolean;
    readonly tombstoned?: boolean;
    readonly metadata?: boolean;
    readonly remembered?: string;
    readonly scavenged?: number;
  } = {},
) => {
  const { softDeleted = false, tombstoned = false, metadata = false } = options;
  const { remembered = ids, scavenged = 0 } = options;
  const stored = (revision: number): StoredEvent | undefined => {
    const id = ids[revision];
    return id === undefined ? undefined : { id, revision, position: 100 * (revision + 1) };
  };
  const view: StreamView = {
    state: {
      last: ids.length - 1,
      lastPosition: 100 * ids.length,
      tombstoned,
      metadata: { ...NO_METADATA, exists: metadata || softDeleted, softDeleted },
    },
    at: (revision) => (revision < scavenged ? undefined : stored(revision)),
    recent: (id) => (remembered.includes(id) ? stored(ids.lastIndexOf(id)) : undefined),
  };
  return {
    when: (expected: Expected, appended: string) =>
      classifyAppend(view, expected, Array.from(appended)),
  };
};

const append: AppendClass = { kind: 'append' };
const wrong: AppendClass = { kind: 'wrong-revision' };
const deleted: AppendClass = { kind: 'deleted' };
const repeat = (id: string, revision: number): AppendClass => ({
  kind: 'repeat',
  of: { id, revision, position: 100 * (revision + 1) },
});

describe('append rules', () => {
  describe('an exact revision', () => {
    it('appends at the last revision, and at none where there is no stream', () => {
      expect(given('abc').when(2n, 'x')).to.deep.equal(append);
      expect(given('').when('no_stream', 'x')).to.deep.equal(append);
    });

    it('conflicts beyond the last revision, and for a missing stream', () => {
      expect(given('abc').when(3n, 'x')).to.deep.equal(wrong);
      expect(given('abc').when(2n ** 62n, 'x')).to.deep.equal(wrong);
      expect(given('').when(0n, 'x')).to.deep.equal(wrong);
    });

    it('conflicts before the last revision where another event is stored', () => {
      expect(given('abc').when(1n, 'x')).to.deep.equal(wrong);
      expect(given('abc').when('no_stream', 'x')).to.deep.equal(wrong);
    });

    it('is a repeat where all ids follow it, whatever came after', () => {
      expect(given('abcde').when(0n, 'bc')).to.deep.equal(repeat('c', 2));
      expect(given('abcde').when('no_stream', 'a')).to.deep.equal(repeat('a', 0));
    });

    it('conflicts where only the first ids match', () => {
      expect(given('abcd').when(0n, 'bx')).to.deep.equal(wrong);
      expect(given('abcd').when(0n, 'bdc')).to.deep.equal(wrong);
    });

    it('conflicts where the same ids run past the end', () => {
      expect(given('abc').when(0n, 'bcd')).to.deep.equal(wrong);
    });

    it('conflicts where the events have been scavenged', () => {
      expect(given('abc', { scavenged: 2 }).when('no_stream', 'a')).to.deep.equal(wrong);
    });

    it('appends a known id again at the last revision', () => {
      expect(given('abc').when(2n, 'a')).to.deep.equal(append);
      expect(given('abc').when(2n, 'c')).to.deep.equal(append);
    });

    it('detects a repeat without remembered ids', () => {
      expect(given('abc', { remembered: '' }).when(0n, 'bc')).to.deep.equal(repeat('c', 2));
    });

    it('reports for no events whether the stream exists', () => {
      expect(given('abc').when(2n, '')).to.deep.equal(append);
      expect(given('abc').when(1n, '')).to.deep.equal(wrong);
      expect(given('abc').when(3n, '')).to.deep.equal(wrong);
    });
  });

  for (const expected of ['any', 'stream_exists'] as const) {
    describe(`the expectation ${expected}`, () => {
      it('appends where the first id is unknown, even if later ones are known', () => {
        expect(given('abc').when(expected, 'x')).to.deep.equal(append);
        expect(given('abc').when(expected, 'xa')).to.deep.equal(append);
      });

      it('is a repeat where all ids are remembered', () => {
        expect(given('abcd').when(expected, 'bc')).to.deep.equal(repeat('c', 2));
      });

      it('conflicts where the first id is remembered and a later one is not', () => {
        expect(given('abcd').when(expected, 'bx')).to.deep.equal(wrong);
      });

      it('appends again what is not remembered any more', () => {
        expect(given('abc', { remembered: '' }).when(expected, 'a')).to.deep.equal(append);
      });
    });
  }

  it('creates a stream with any', () => {
    expect(given('').when('any', 'x')).to.deep.equal(append);
  });

  it('treats a stream that has only metadata as existing', () => {
    expect(given('').when('stream_exists', 'x')).to.deep.equal(wrong);
    expect(given('', { metadata: true }).when('stream_exists', 'x')).to.deep.equal(append);
  });

  it('restarts a soft-deleted stream at none, at its last revision and at any', () => {
    const stream = given('abc', { softDeleted: true });
    expect(stream.when('no_stream', 'x')).to.deep.equal(append);
    expect(stream.when(2n, 'x')).to.deep.equal(append);
    expect(stream.when('any', 'x')).to.deep.equal(append);
    expect(stream.when(1n, 'x')).to.deep.equal(wrong);
    expect(stream.when('stream_exists', 'x')).to.deep.equal(deleted);
  });

  it('still detects a repeat in a soft-deleted stream', () => {
    expect(given('abc', { softDeleted: true }).when('no_stream', 'ab')).to.deep.equal(
      repeat('b', 1),
    );
  });

  it('refuses everything for a tombstoned stream', () => {
    for (const expected of ['any', 'stream_exists', 'no_stream', 2n, 9n] as const) {
      expect(given('abc', { tombstoned: true }).when(expected, 'a')).to.deep.equal(deleted);
    }
  });
});
