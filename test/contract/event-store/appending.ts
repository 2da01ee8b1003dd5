import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { WrongExpectedRevisionError } from '../../../src/ports/errors.js';
import type {
  EncodedEvent,
  EventStore,
  ExpectedRevision,
  NewEvent,
} from '../../../src/ports/event-store.js';
import { rejectionOf } from '../../support/rejection-of.js';
import { appendUntilKnown, collect, ids, newEvent, newEvents, type FreshStreams } from './given.js';

const expectConflict = (error: unknown, expected: ExpectedRevision, actual: ExpectedRevision) => {
  expect(error).to.be.instanceOf(WrongExpectedRevisionError);
  expect(error).to.include({ expected, actual });
};

const NOT_JSON = { metadata: Buffer.alloc(0), isJson: false };

type AnyEvent = NewEvent | EncodedEvent;

export const appendingClauses = (streams: FreshStreams, open: () => EventStore): void => {
  const stored = (stream: string) => collect(open().read(stream));

  const again = (stream: string, expected: ExpectedRevision, events: readonly AnyEvent[]) =>
    appendUntilKnown(open(), stream, expected, events);

  it('ES-1 counts the first event of a stream as revision 0', async () => {
    const stream = streams.named('first');
    const result = await open().append(stream, 'no_stream', [newEvent()]);
    const [event] = await stored(stream);
    expect(result.revision).to.equal(0n);
    expect(event).to.deep.include({ stream, revision: 0n, position: result.position });
  });

  it('ES-1 returns the revision and position of the last event of an append', async () => {
    const stream = streams.named('last');
    await open().append(stream, 'no_stream', newEvents(2));
    const result = await open().append(stream, 1n, newEvents(3));
    const last = (await stored(stream)).at(-1);
    expect(result).to.deep.equal({ revision: 4n, position: last?.position });
  });

  it('ES-24 stores an event given as bytes as it is, JSON or not', async () => {
    const stream = streams.named('bytes');
    const json = Buffer.from('{"b":1,\n "a":12345678901234567890}');
    const given: EncodedEvent[] = [
      { id: randomUUID(), type: 'Json', data: json, metadata: Buffer.from('{ }'), isJson: true },
      { id: randomUUID(), type: 'Raw', data: Buffer.from([0, 255, 10]), ...NOT_JSON },
      { id: randomUUID(), type: '$>', data: Buffer.from(`0@${stream}`), ...NOT_JSON },
    ];
    await open().append(stream, 'no_stream', given);
    const { revision } = await again(stream, 'no_stream', given);
    expect(revision).to.equal(2n);
    const found = (await stored(stream)).map(({ id, type, data, metadata, isJson }) => ({
      ...{ id, type, isJson },
      data: Buffer.from(data),
      metadata: Buffer.from(metadata),
    }));
    expect(found).to.deep.equal(given);
  });

  it('ES-2 refuses any revision of a stream that does not exist, and says so', async () => {
    const stream = streams.named('missing');
    for (const expected of [0n, 5n]) {
      const error = await rejectionOf(open().append(stream, expected, [newEvent()]));
      expectConflict(error, expected, 'no_stream');
    }
    expect(await stored(stream)).to.deep.equal([]);
  });

  it('ES-2 refuses a revision that is not the last one, says where the stream is, writes nothing', async () => {
    const stream = streams.named('conflict');
    const events = newEvents(3);
    await open().append(stream, 'no_stream', events);
    for (const expected of ['no_stream', 0n, 1n, 3n, 700n] as const) {
      const error = await rejectionOf(open().append(stream, expected, [newEvent()]));
      expectConflict(error, expected, 2n);
    }
    expect(ids(await stored(stream))).to.deep.equal(ids(events));
  });

  it('ES-3 writes a batch at consecutive revisions', async () => {
    const stream = streams.named('batch');
    const events = newEvents(100);
    await open().append(stream, 'no_stream', events);
    const found = await stored(stream);
    expect(ids(found)).to.deep.equal(ids(events));
    expect(found.map(({ revision }) => revision)).to.deep.equal(events.map((_, n) => BigInt(n)));
  });

  it('ES-3 writes exactly one of several batches at one revision, completely', async () => {
    const stream = streams.named('whole');
    const batches = Array.from({ length: 20 }, () => newEvents(10));
    const outcomes = await Promise.allSettled(
      batches.map((batch) => open().append(stream, 'no_stream', batch)),
    );
    const winners = batches.filter((_, n) => outcomes[n]?.status === 'fulfilled');
    expect(winners).to.have.lengthOf(1);
    expect(ids(await stored(stream))).to.deep.equal(winners.flatMap(ids));
  });

  it('ES-4 lets exactly one of 50 concurrent appends at one revision win', async () => {
    const stream = streams.named('race');
    await open().append(stream, 'no_stream', [newEvent()]);
    const outcomes = await Promise.allSettled(
      newEvents(50).map((event) => open().append(stream, 0n, [event])),
    );
    const refused = outcomes.flatMap((one) =>
      one.status === 'rejected' ? [one.reason as unknown] : [],
    );
    expect(refused).to.have.lengthOf(49);
    for (const error of refused) expectConflict(error, 0n, 1n);
    expect(await stored(stream)).to.have.lengthOf(2);
  });

  it('ES-4 does not affect appends to other streams by a conflict', async () => {
    const contested = streams.named('contested');
    await open().append(contested, 'no_stream', [newEvent()]);
    const others = Array.from({ length: 20 }, () => streams.named('undisturbed'));
    const outcomes = await Promise.allSettled(
      others.flatMap((other) => [
        open().append(contested, 'no_stream', [newEvent()]),
        open().append(other, 'no_stream', [newEvent()]),
      ]),
    );
    const statuses = outcomes.map(({ status }) => status);
    expect(statuses).to.deep.equal(others.flatMap(() => ['rejected', 'fulfilled']));
  });

  it('ES-5 returns the first result for the same ids at the same expected revision', async () => {
    const stream = streams.named('repeat');
    const created = newEvents(2);
    const added = newEvents(3);
    const first = await open().append(stream, 'no_stream', created);
    expect(await again(stream, 'no_stream', created)).to.deep.equal(first);
    const second = await open().append(stream, 1n, added);
    await open().append(stream, 4n, newEvents(2));
    expect(await again(stream, 'no_stream', created)).to.deep.equal(first);
    expect(await again(stream, 1n, added)).to.deep.equal(second);
    expect(await stored(stream)).to.have.lengthOf(7);
  });

  it('ES-5 treats concurrent appends of the same ids as one', async () => {
    // A server may drop a repeat while the first append is being replicated, which leaves its
    // outcome unknown at first.
    const stream = streams.named('twins');
    const events = newEvents(2);
    const twins = Array.from({ length: 10 }, () => again(stream, 'no_stream', events));
    const results = await Promise.all(twins);
    expect(results).to.deep.equal(twins.map(() => results[0]));
    expect(ids(await stored(stream))).to.deep.equal(ids(events));
  }).timeout(30_000);

  it('ES-5 refuses a batch of which only the first ids are stored', async () => {
    const stream = streams.named('likeness');
    const [first, second] = [newEvent(), newEvent()];
    await open().append(stream, 'no_stream', [first, second]);
    const error = await rejectionOf(open().append(stream, 'no_stream', [first, newEvent()]));
    expectConflict(error, 'no_stream', 1n);
    expect(ids(await stored(stream))).to.deep.equal(ids([first, second]));
  });

  it('ES-9 refuses an append without events', async () => {
    expect(
      await rejectionOf(open().append(streams.named('empty'), 'no_stream', [])),
    ).to.be.instanceOf(TypeError);
  });
};
