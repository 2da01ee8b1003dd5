import { expect } from 'chai';
import { EventLogError } from '../../../src/embedded-eventstore/log/event-log.js';
import {
  rawEvent,
  rawEvents,
  refuseType,
  revisionsOf,
  temporaryLog,
  type TemporaryLog,
} from '../../support/event-log.js';
import { rejectionOf } from '../../support/rejection-of.js';

/** Appends called without waiting in between are in flight together. */
describe('group commit', () => {
  let given: TemporaryLog;
  beforeEach(async () => {
    given = await temporaryLog();
  });
  afterEach(() => given.remove());

  const append = (stream: string, expected: bigint | 'no_stream', events = [rawEvent()]) =>
    given.log.append(stream, expected, events);
  const failing = () => rawEvent({ type: 'Refused' });
  const stored = (stream: string) =>
    revisionsOf(given.log.readStream(stream, 'start', 'forwards', 100));

  it('accepts appends on top of appends in flight', async () => {
    const [a, b, c] = await Promise.all([
      append('s', 'no_stream'),
      append('s', 0n),
      append('s', 1n),
    ]);
    expect([a, b, c].map((one) => one.kind === 'written' && one.revision)).to.deep.equal([
      0n,
      1n,
      2n,
    ]);
    expect(stored('s')).to.deep.equal([0n, 1n, 2n]);
  });

  it('never fails other appends because of a conflict', async () => {
    const outcomes = await Promise.all([
      append('a', 'no_stream'),
      append('a', 5n),
      append('b', 'no_stream'),
      append('a', 'no_stream'),
      append('a', 0n),
    ]);
    expect(outcomes.map(({ kind }) => kind)).to.deep.equal([
      'written',
      'wrong-revision',
      'written',
      'wrong-revision',
      'written',
    ]);
    expect(outcomes[1]).to.include({ actual: 0n });
    expect([stored('a'), stored('b')]).to.deep.equal([[0n, 1n], [0n]]);
  });

  it('shows nothing of an append before it is on disk', async () => {
    const appending = append('s', 'no_stream');
    expect(given.log.head('s')).to.equal('no_stream');
    expect(stored('s')).to.equal('missing');
    expect(given.log.lastPosition()).to.equal(0n);
    await appending;
    expect(given.log.head('s')).to.equal(0n);
  });

  it('rejects every append of a transaction that fails, and writes none of them', async () => {
    await append('a', 'no_stream');
    const mend = refuseType(given.directory, 'Refused');
    const outcomes = await Promise.allSettled([
      append('a', 0n),
      append('b', 'no_stream', [rawEvent(), failing()]),
      append('c', 'no_stream'),
      append('a', 1n),
    ]);
    for (const outcome of outcomes) {
      expect(outcome.status === 'rejected' && outcome.reason)
        .to.be.instanceOf(EventLogError)
        .with.property('code', 'failed');
    }
    expect([stored('a'), stored('b'), stored('c')]).to.deep.equal([[0n], 'missing', 'missing']);
    mend();
  });

  it('continues from disk after a failure: heads, streams and positions', async () => {
    const first = await append('a', 'no_stream');
    const mend = refuseType(given.directory, 'Refused');
    const failed = [append('a', 0n, [failing()]), append('a', 1n), append('new', 'no_stream')];
    await Promise.allSettled(failed);
    mend();
    const [again, fresh] = await Promise.all([append('a', 0n), append('new', 'no_stream')]);
    expect([again, fresh].map((one) => one.kind === 'written' && one.revision)).to.deep.equal([
      1n,
      0n,
    ]);
    const all = given.log.readAll('start', 'forwards', 10);
    expect(all.map(({ stream, revision }) => [stream, revision])).to.deep.equal([
      ['a', 0n],
      ['a', 1n],
      ['new', 0n],
    ]);
    expect(first.kind === 'written' && first.position < (all[1]?.position ?? 0n)).to.equal(true);
  });

  it('writes what failed when it is appended again with the same ids', async () => {
    const mend = refuseType(given.directory, 'Refused');
    const events = rawEvents(2);
    const attempts = [append('x', 'no_stream', [failing()]), append('s', 'no_stream', events)];
    await Promise.allSettled(attempts);
    mend();
    expect(await append('s', 'no_stream', events)).to.include({ kind: 'written', revision: 1n });
    expect(await given.log.append('s', 'any', events)).to.include({ revision: 1n });
    expect(stored('s')).to.deep.equal([0n, 1n]);
  });

  it('counts what is being appended until it is on disk, and nothing that projections write', async () => {
    const { projections } = given.log;
    const count = (): number => Atomics.load(projections.appendsInFlight, 0);
    const change = { kind: 'remove', id: 1 } as const;
    const storing = projections.commit(
      [change],
      [{ stream: 'emitted', events: [rawEvent()], truncates: false }],
    );
    expect(count()).to.equal(0);
    const appending = [append('a', 'no_stream'), append('b', 'no_stream')];
    expect(count()).to.be.greaterThan(0);
    await Promise.all([storing, ...appending]);
    expect(count()).to.equal(0);
  });

  it('counts nothing of a transaction that failed', async () => {
    const mend = refuseType(given.directory, 'Refused');
    await Promise.allSettled([append('a', 'no_stream', [failing()]), append('b', 'no_stream')]);
    expect(Atomics.load(given.log.projections.appendsInFlight, 0)).to.equal(0);
    mend();
  });

  it('gives a repeat of an append in flight the result of that append', async () => {
    const events = rawEvents(2);
    const outcomes = await Promise.all([
      append('s', 'no_stream', events),
      append('s', 'no_stream', events),
      given.log.append('s', 'any', events),
    ]);
    expect(outcomes[1]).to.deep.equal(outcomes[0]);
    expect(outcomes[2]).to.deep.equal(outcomes[0]);
    expect(stored('s')).to.deep.equal([0n, 1n]);
  });

  it('checks again what depended on a failed append', async () => {
    const mend = refuseType(given.directory, 'Refused');
    const lost = append('s', 'no_stream', [failing()]);
    const conflicting = append('s', 'no_stream');
    expect(await rejectionOf(lost)).to.be.instanceOf(EventLogError);
    expect(await conflicting).to.include({ kind: 'written', revision: 0n });
    mend();
  });

  it('refuses appends beyond the queue limit, and accepts them again afterwards', async () => {
    const full = await temporaryLog({ limits: { maxPendingAppends: 3 } });
    const attempts = Array.from({ length: 5 }, (_, n) =>
      full.log.append(`s${n}`, 'no_stream', [rawEvent()]),
    );
    const outcomes = await Promise.allSettled(attempts);
    expect(outcomes.map(({ status }) => status)).to.deep.equal([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
    ]);
    expect(outcomes[4]).to.have.nested.property('reason.code', 'busy');
    expect(await full.log.append('s4', 'no_stream', [rawEvent()])).to.include({ revision: 0n });
    await full.remove();
  });

  it('refuses an append that is too large, counted as EventStoreDB does', async () => {
    const small = await temporaryLog({ limits: { maxAppendBytes: 100 } });
    const sized = (bytes: number) =>
      rawEvent({ type: 'Tested', data: Buffer.alloc(bytes), metadata: Buffer.alloc(10) });
    const fitting = await small.log.append('s', 'no_stream', [sized(78)]);
    const tooLarge = await small.log.append('s', 0n, [sized(79)]);
    expect(fitting.kind).to.equal('written');
    expect(tooLarge).to.deep.equal({ kind: 'too-large', limit: 100 });
    expect(small.log.head('s')).to.equal(0n);
    await small.remove();
  });
});
