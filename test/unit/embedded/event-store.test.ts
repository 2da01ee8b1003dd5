import { expect } from 'chai';
import {
  EventLogError,
  type AppendOutcome,
  type EventLog,
  type LogErrorCode,
  type LogSubscriptionItem,
} from '../../../src/embedded-eventstore/log/event-log.js';
import { createEmbeddedEventStore } from '../../../src/adapters/embedded/event-store.js';
import { OutcomeUnknownError, TooLargeError, UnavailableError } from '../../../src/ports/errors.js';
import type { DropReason } from '../../../src/ports/event-store.js';
import { follow, newEvent } from '../../contract/event-store/given.js';
import { eventually } from '../../support/eventually.js';
import { rejectionOf } from '../../support/rejection-of.js';

/** A fake log that only supports appends. */
const logThatAppends = (append: () => Promise<AppendOutcome>): EventLog =>
  ({ append }) as unknown as EventLog;

const refusalOf = (append: () => Promise<AppendOutcome>, timeoutMs = 10_000) =>
  rejectionOf(
    createEmbeddedEventStore(logThatAppends(append)).append('s', 'no_stream', [newEvent()], {
      timeoutMs,
    }),
  );

const itemAt = (position: bigint): LogSubscriptionItem => {
  const { id, type } = newEvent();
  const bytes = new Uint8Array();
  const event = { id, type, data: bytes, metadata: bytes, isJson: true, stream: 's', created: 0 };
  return { kind: 'event', event: { ...event, revision: position, position } };
};

/** A log whose subscriptions fail by plan: after each event, as often as there are errors. */
const logThatFails = (...errors: readonly unknown[]) => {
  const left = [...errors];
  const asked: (bigint | string)[] = [];
  const subscribeAllInPages: EventLog['subscribeAllInPages'] = async function* (options) {
    const { after, signal } = options;
    asked.push(after);
    const next = after === 'start' ? 10n : BigInt(after) + 10n;
    yield [itemAt(next)];
    if (left.length > 0) throw left.shift();
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  };
  return { log: { subscribeAllInPages } as unknown as EventLog, asked };
};

const busy = Object.assign(new Error('database is locked'), { errcode: 5 });

describe('subscriptions to the embedded event store', () => {
  it('ES-18 resumes after the last delivered event where the log cannot be read for now', async () => {
    const { log, asked } = logThatFails(new EventLogError('failed', 'The disk is full.'), busy);
    const drops: DropReason[] = [];
    const onDrop = (reason: DropReason) => void drops.push(reason);
    const following = follow(createEmbeddedEventStore(log), { after: 'start', onDrop });
    await eventually(() => expect(following.events()).to.have.length(3));
    await following.stop();
    const positions = following.events().map(({ position }) => position.commit);
    expect(positions).to.deep.equal([10n, 20n, 30n]);
    expect(asked).to.deep.equal(['start', 10n, 20n]);
    expect(drops).to.deep.equal(['unavailable', 'unavailable']);
  });

  for (const [name, error, expected] of [
    ['is closed', new EventLogError('closed', 'It is closed.'), UnavailableError],
    ['has a bug', new TypeError('undefined is no function.'), TypeError],
  ] as const) {
    it(`ES-18 ends with an error where the log ${name}`, async () => {
      const { log, asked } = logThatFails(error);
      const following = follow(createEmbeddedEventStore(log), { after: 'start' });
      expect(await rejectionOf(following.ended)).to.be.instanceOf(expected);
      expect(asked).to.deep.equal(['start']);
    });
  }
});

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
    expect(refusal).to.have.property('message', 'An append must not exceed 1024 bytes.');
  });
});
