import { expect } from 'chai';
import { OutcomeUnknownError, TooLargeError, UnavailableError } from '../../../src/ports/errors.js';
import type { EventStore, ExpectedRevision } from '../../../src/ports/event-store.js';
import { eventually } from '../../support/eventually.js';
import { rejectionOf } from '../../support/rejection-of.js';
import { collect, ids, newEvent, newEvents, type FreshStreams } from './given.js';
import { clause, type EventStoreTarget } from './target.js';

const MIB = 1024 * 1024;

export const safetyClauses = (
  target: EventStoreTarget,
  streams: FreshStreams,
  open: () => EventStore,
): void => {
  const stored = (stream: string) => collect(open().read(stream));

  clause(
    'ES-6 keeps every settled batch through a kill -9, and unsettled ones whole or not at all',
    target.killWhileAppending,
    async (killWhileAppending) => {
      const { batches, found } = await killWhileAppending(streams.named('killed'));
      const acknowledged = batches.filter((batch) => batch.acknowledged);
      const present = batches.filter((batch) => found.some(({ id }) => id === batch.ids[0]));
      expect(acknowledged).to.not.be.empty;
      expect(present).to.include.members(acknowledged);
      expect(ids(found)).to.deep.equal(present.flatMap((batch) => batch.ids));
    },
  ).timeout(60_000);

  clause(
    'ES-7 calls a store that cannot be reached unavailable, never a conflict',
    target.openOnALine,
    async (openOnALine) => {
      const line = await openOnALine();
      const { store } = line;
      const stream = streams.named('unreachable');
      await store.append(stream, 'no_stream', newEvents(2));
      await line.cut();
      await eventually(async () => {
        const attempts = [
          rejectionOf(store.append(stream, 1n, [newEvent()])),
          rejectionOf(collect(store.read(stream))),
          rejectionOf(store.head(stream)),
          rejectionOf(store.ping()),
        ];
        for (const error of await Promise.all(attempts)) {
          expect(error).to.be.instanceOf(UnavailableError);
        }
      });
      await line.mend();
      await line.stop();
    },
  ).timeout(30_000);

  clause(
    'ES-7 calls an append whose answer is lost unknown, and the same again gives one event',
    target.openOnALine,
    async (openOnALine) => {
      const line = await openOnALine();
      const { store } = line;
      const stream = streams.named('lost-answer');
      const [first, second] = [newEvent(), newEvent()];
      await store.append(stream, 'no_stream', [first]);
      line.loseAnswers();
      const error = await rejectionOf(store.append(stream, 0n, [second], { timeoutMs: 300 }));
      expect(error).to.be.instanceOf(OutcomeUnknownError);
      await line.mend();
      await eventually(() => store.append(stream, 0n, [second], { timeoutMs: 1000 }), {
        withinMs: 40_000,
      });
      expect(ids(await stored(stream))).to.deep.equal(ids([first, second]));
      await line.stop();
    },
  ).timeout(60_000);

  it('ES-8 refuses an append that is too large and writes nothing of it', async () => {
    const stream = streams.named('too-large');
    let last: ExpectedRevision = 'no_stream';
    let error: unknown;
    for (const size of [0.5, 2, 4, 8, 17]) {
      const append = open().append(stream, last, [newEvent({ text: 'x'.repeat(size * MIB) })]);
      error = await append.then(
        ({ revision }) => void (last = revision),
        (refusal: unknown) => refusal,
      );
      if (error !== undefined) break;
    }
    expect(error).to.be.instanceOf(TooLargeError);
    expect(await open().head(stream))
      .to.equal(last)
      .and.not.equal('no_stream');
  }).timeout(30_000);
};
