import { expect } from 'chai';
import {
  EventLogError,
  type AppendOutcome,
  type EventLog,
  type LogErrorCode,
} from '../../../src/embedded-eventstore/log/event-log.js';
import { createEmbeddedEventStore } from '../../../src/adapters/embedded/event-store.js';
import { OutcomeUnknownError, TooLargeError, UnavailableError } from '../../../src/ports/errors.js';
import { newEvent } from '../../contract/event-store/given.js';
import { rejectionOf } from '../../support/rejection-of.js';

/** A log of which only appends are asked. */
const logThatAppends = (append: () => Promise<AppendOutcome>): EventLog =>
  ({ append }) as unknown as EventLog;

const refusalOf = (append: () => Promise<AppendOutcome>, timeoutMs = 10_000) =>
  rejectionOf(
    createEmbeddedEventStore(logThatAppends(append)).append('s', 'no_stream', [newEvent()], {
      timeoutMs,
    }),
  );

describe('embedded event store', () => {
  it('reports an append that does not settle in time as unknown', async () => {
    const refusal = await refusalOf(() => new Promise(() => undefined), 10);
    expect(refusal).to.be.instanceOf(OutcomeUnknownError);
    expect(refusal).to.have.property('message', 'The append was not settled within 10 ms.');
  });

  for (const [code, kind] of [
    ['busy', UnavailableError],
    ['failed', UnavailableError],
    ['closed', UnavailableError],
    ['unknown', OutcomeUnknownError],
  ] as const satisfies readonly (readonly [LogErrorCode, unknown])[]) {
    it(`rejects with ${kind.name} where the log says ${code}`, async () => {
      const cause = new EventLogError(code, 'The reason.');
      const refusal = await refusalOf(() => Promise.reject(cause));
      expect(refusal).to.be.instanceOf(kind);
      expect(refusal).to.include({ message: 'The reason.', cause, retriable: true });
    });
  }

  it('passes a bug on unchanged', async () => {
    const bug = new RangeError('a bug');
    expect(await refusalOf(() => Promise.reject(bug))).to.equal(bug);
  });

  it('reports the maximum size of an append', async () => {
    const refusal = await refusalOf(() => Promise.resolve({ kind: 'too-large', limit: 1024 }));
    expect(refusal).to.be.instanceOf(TooLargeError);
    expect(refusal).to.have.property('message', 'An append is at most 1024 bytes.');
  });
});
