import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { EventLogError, type EventLog } from '../../../src/embedded-eventstore/log/event-log.js';
import { createEmbeddedEventStore } from '../../../src/adapters/embedded/event-store.js';
import { OutcomeUnknownError, UnavailableError } from '../../../src/ports/errors.js';
import { newEvent } from '../../contract/event-store/given.js';
import { rawEvents, temporaryLog, type TemporaryLog } from '../../support/event-log.js';
import { rejectionOf } from '../../support/rejection-of.js';

/** A log whose idle writer thread the test can terminate. */
const givenLog = async () => {
  const created = once(process, 'worker') as Promise<[Worker]>;
  const given = await temporaryLog();
  const [writer] = await created;
  return { given, log: given.log, killWriter: () => writer.terminate() };
};

describe('event log whose writer thread dies', () => {
  let given: TemporaryLog;
  let log: EventLog;
  let killWriter: () => Promise<number>;
  beforeEach(async () => {
    ({ given, log, killWriter } = await givenLog());
    await log.append('s', 'no_stream', rawEvents(2));
  });
  afterEach(() => given.remove());

  it('reports pending appends as unknown', async () => {
    const dying = killWriter();
    const appends = [log.append('s', 1n, rawEvents(1)), log.append('t', 'any', rawEvents(1))];
    const outcomes = await Promise.allSettled(appends);
    for (const outcome of outcomes) {
      expect(outcome.status === 'rejected' && outcome.reason)
        .to.be.instanceOf(EventLogError)
        .with.property('code', 'unknown');
    }
    await dying;
  });

  it('is unavailable from then on', async () => {
    const store = createEmbeddedEventStore(log);
    const pending = killWriter().then(() => undefined);
    expect(await rejectionOf(store.append('s', 1n, [newEvent()]))).to.be.instanceOf(
      OutcomeUnknownError,
    );
    await pending;
    for (const call of [store.append('s', 1n, [newEvent()]), store.head('s'), store.ping()]) {
      expect(await rejectionOf(call)).to.be.instanceOf(UnavailableError);
    }
  });

  it('ends subscriptions with an error', async () => {
    const seen: string[] = [];
    const signal = new AbortController().signal;
    const following = (async () => {
      for await (const { kind } of log.subscribeAll({ after: 'start', signal })) {
        seen.push(kind);
        if (kind === 'caught-up') void killWriter();
      }
    })();
    expect(await rejectionOf(following)).to.have.property('code', 'closed');
    expect(seen).to.deep.equal(['event', 'event', 'caught-up']);
  });

  it('can be closed, and opened again with every acknowledged event', async () => {
    await killWriter();
    const again = await given.restart();
    expect(again.head('s')).to.equal(1n);
    expect(await again.append('s', 1n, rawEvents(1))).to.include({ revision: 2n });
  });
});
