import type { StreamDeletion } from '../../support/stream-deletion.js';
import { expect } from 'chai';
import { StreamDeletedError, UnavailableError } from '../../../src/ports/errors.js';
import type { EventStore } from '../../../src/ports/event-store.js';
import { eventually } from '../../support/eventually.js';
import { rejectionOf } from '../../support/rejection-of.js';
import {
  bodies,
  collect,
  follow,
  newEvent,
  newEvents,
  positionNow,
  type FreshStreams,
} from './given.js';
import type { EventStoreTarget } from './target.js';

export const lifetimeClauses = (
  target: EventStoreTarget,
  streams: FreshStreams,
  open: () => EventStore & StreamDeletion,
): void => {
  const revisions = async (stream: string) =>
    (await collect(open().read(stream))).map(({ revision }) => Number(revision));

  it('ES-19 keeps only the last events readable, and continues the revisions', async () => {
    const stream = streams.named('max-count');
    await open().append(stream, 'no_stream', newEvents(5));
    await open().setMaxCount(stream, 2);
    expect(await revisions(stream)).to.deep.equal([3, 4]);
    const { revision } = await open().append(stream, 4n, newEvents(1));
    expect(revision).to.equal(5n);
    expect(await revisions(stream)).to.deep.equal([4, 5]);
    expect(await open().head(stream)).to.equal(5n);
  });

  it('ES-19 starts an earlier read at the first readable event, whatever the limit', async () => {
    const stream = streams.named('first-left');
    await open().append(stream, 'no_stream', newEvents(40));
    await open().setMaxCount(stream, 2);
    const found = await collect(open().read(stream, { limit: 1 }));
    expect(found.map(({ revision }) => revision)).to.deep.equal([38n]);
    const [metadata, ...others] = await collect(
      open().read(`$$${stream}`, { direction: 'backwards', limit: 1 }),
    );
    expect(others).to.deep.equal([]);
    expect(JSON.parse(Buffer.from(metadata?.data ?? []).toString())).to.include({ $maxCount: 2 });
  });

  it('ES-19 may be set before the first event, and changed', async () => {
    const stream = streams.named('max-count');
    await open().setMaxCount(stream, 1);
    await open().append(stream, 'no_stream', newEvents(3));
    expect(await revisions(stream)).to.deep.equal([2]);
    await open().setMaxCount(stream, 2);
    await open().setMaxCount(stream, 2);
    await open().append(stream, 2n, newEvents(3));
    expect(await revisions(stream)).to.deep.equal([4, 5]);
  });

  it('ES-20 reads a deleted stream as empty', async () => {
    const stream = streams.named('deleted');
    await open().append(stream, 'no_stream', newEvents(3));
    await open().deleteStream(stream);
    expect(await revisions(stream)).to.deep.equal([]);
    expect(await open().head(stream)).to.equal('no_stream');
  });

  it('ES-20 appends to a deleted stream with no_stream, and continues the revisions', async () => {
    const stream = streams.named('again');
    await open().append(stream, 'no_stream', newEvents(3));
    await open().deleteStream(stream);
    const { revision } = await open().append(stream, 'no_stream', [newEvent({ again: true })]);
    expect(revision).to.equal(3n);
    expect(await open().head(stream)).to.equal(3n);
    const found = await collect(open().read(stream));
    expect(bodies(found)).to.deep.equal([{ again: true }]);
  });

  it('ES-25 tombstones a stream, also one that does not exist, and may repeat it', async () => {
    const stream = streams.named('ended');
    await open().append(stream, 'no_stream', newEvents(2));
    for (const name of [stream, streams.named('never')]) {
      await open().tombstone(name);
      await open().tombstone(name);
      expect(await rejectionOf(open().head(name))).to.be.instanceOf(StreamDeletedError);
    }
  });

  it('ES-21 rejects reads and appends of a tombstoned stream', async () => {
    const stream = streams.named('tombstone');
    await open().append(stream, 'no_stream', newEvents(2));
    await open().tombstoneStream(stream);
    const attempts = [
      open().append(stream, 1n, [newEvent()]),
      open().append(stream, 'no_stream', [newEvent()]),
      collect(open().read(stream)),
      collect(open().read(stream, { direction: 'backwards', limit: 1 })),
      open().head(stream),
    ];
    for (const refusal of await Promise.all(attempts.map(rejectionOf))) {
      expect(refusal).to.be.instanceOf(StreamDeletedError).and.include({ stream });
    }
  });

  it('ES-22 settles what is pending, ends subscriptions, and rejects every call after `close`', async () => {
    const opened = await target.open();
    const { store } = opened;
    const stream = streams.named('closed');
    const following = follow(store, { after: await positionNow(store, streams) });
    await eventually(() => expect(following.kinds()).to.include('caught-up'));
    const pending = Promise.allSettled([store.append(stream, 'no_stream', newEvents(2))]);
    await Promise.all([store.close(), store.close()]);
    await store.close();
    const [outcome] = await pending;
    if (outcome.status === 'fulfilled') expect(outcome.value.revision).to.equal(1n);
    await following.stop();
    const signal = new AbortController().signal;
    const calls = [
      store.append(stream, 1n, newEvents(1)),
      collect(store.read(stream)),
      store.head(stream),
      collect(store.subscribeToAll({ after: 'start', signal })),
      store.setMaxCount(stream, 1),
      store.ping(),
    ];
    for (const refusal of await Promise.all(calls.map(rejectionOf)))
      expect(refusal).to.be.instanceOf(UnavailableError);
    await opened.stop();
  });

  it('ES-22 responds to a ping while it is open', async () => {
    await open().ping();
  });
};
