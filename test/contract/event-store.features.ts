import type { StreamDeletion } from '../support/stream-deletion.js';
import type { EventStore } from '../../src/ports/event-store.js';
import { appendingClauses } from './event-store/appending.js';
import { followingClauses } from './event-store/following.js';
import { freshStreams } from './event-store/given.js';
import { lifetimeClauses } from './event-store/lifetime.js';
import { readingClauses } from './event-store/reading.js';
import { safetyClauses } from './event-store/safety.js';
import { subscribingClauses } from './event-store/subscribing.js';
import type { EventStoreTarget, OpenStore } from './event-store/target.js';

/**
 * The promises of `ports/event-store.ts`, clause by clause. The suite may run beside other writers
 * on a log that is not empty: it uses its own names, never reads older events, and deletes what it
 * wrote.
 */
export const eventStoreContract = (title: string, target: EventStoreTarget): void => {
  describe(`event store: ${title}`, () => {
    const streams = freshStreams();
    let opened: OpenStore | undefined;
    const open = (): EventStore & StreamDeletion => {
      if (opened === undefined) throw new Error('The target did not open.');
      return opened.store;
    };

    before(async function () {
      this.timeout(60_000);
      opened = await target.open();
    });
    after(async function () {
      this.timeout(60_000);
      await streams.deleteAll(open());
      await opened?.stop();
    });

    describe('appending', () => appendingClauses(streams, open));
    describe('safety', () => safetyClauses(target, streams, open));
    describe('reading', () => readingClauses(streams, open));
    describe('subscribing to all', () => subscribingClauses(target, streams, open));
    describe('following', () => followingClauses(target, streams, open));
    describe('streams and lifetime', () => lifetimeClauses(target, streams, open));
  });
};
