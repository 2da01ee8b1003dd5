import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import type { EventStore } from '../../../src/ports/event-store.js';
import { eventually } from '../../support/eventually.js';
import {
  appendEach,
  collect,
  follow,
  ids,
  newEvent,
  newEvents,
  positionNow,
  type FreshStreams,
} from './given.js';
import { clause, type EventStoreTarget } from './target.js';

const MIB = 1024 * 1024;

/** The memory in use after a garbage collection. */
const heldBytes = (): number => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

/** The value once it no longer grows, when everything in flight has arrived. */
const settled = async (measure: () => number): Promise<number> => {
  let last = measure();
  await eventually(
    () => {
      const next = measure();
      const grown = next - last;
      last = next;
      expect(grown).to.be.below(64 * 1024);
    },
    { withinMs: 10_000, everyMs: 300 },
  );
  return last;
};

export const followingClauses = (
  target: EventStoreTarget,
  streams: FreshStreams,
  open: () => EventStore,
): void => {
  const now = () => positionNow(open(), streams);

  it('ES-16 holds events back for a slow consumer', async () => {
    const { prefix, streams: family } = streams.family('slow', 1);
    const after = await now();
    const text = 'x'.repeat(MIB / 8);
    const stream = family[0] ?? '';
    await appendEach(
      open(),
      stream,
      [...Array(160).keys()].map((n) => newEvent({ n, text })),
    );
    const stopping = new AbortController();
    const heldBefore = heldBytes();
    const seen: bigint[] = [];
    let held = 0;
    const options = { after, streamPrefix: prefix, signal: stopping.signal };
    for await (const delivery of open().subscribeToAll(options)) {
      if (delivery.kind !== 'event') continue;
      seen.push(delivery.event.revision);
      if (seen.length === 1) held = await settled(heldBytes);
      if (seen.length === 160) stopping.abort();
    }
    expect(seen).to.deep.equal(Array.from({ length: 160 }, (_, n) => BigInt(n)));
    expect(held - heldBefore).to.be.below(8 * MIB);
  }).timeout(60_000);

  it('ES-17 ends an idle iteration without an error when its signal is aborted', async () => {
    const following = follow(open(), { after: await now(), streamPrefix: streams.named('idle') });
    await eventually(() => expect(following.kinds()).to.include('caught-up'));
    await following.stop();
  });

  it('ES-17 ends at once when its signal is already aborted', async () => {
    const options = { after: 'start', signal: AbortSignal.abort() } as const;
    expect(await collect(open().subscribeToAll(options))).to.deep.equal([]);
  });

  it('ES-17 ends with the error that its consumer throws', async () => {
    const { prefix, streams: family } = streams.family('throws', 1);
    const after = await now();
    await open().append(family[0] ?? '', 'no_stream', newEvents(2));
    const mistake = new Error('of the consumer');
    const options = { after, streamPrefix: prefix, signal: new AbortController().signal };
    const consume = async () => {
      for await (const { kind } of open().subscribeToAll(options))
        if (kind === 'event') throw mistake;
    };
    expect(await consume().catch((error: unknown) => error)).to.equal(mistake);
  });

  it('ES-17 releases every abandoned subscription', async () => {
    const after = await now();
    const options = { after, signal: new AbortController().signal };
    // More than the usual hundred streams per connection.
    for (let n = 0; n < 150; n += 1) {
      for await (const delivery of open().subscribeToAll(options)) {
        expect(delivery).to.have.property('kind');
        break;
      }
    }
    await open().ping();
  }).timeout(60_000);

  clause(
    'ES-18 resumes a subscription whose line is cut, without a gap or a repeat',
    target.openOnALine,
    async (openOnALine) => {
      const line = await openOnALine();
      const { prefix, streams: family } = streams.family('cut', 1);
      const stream = family[0] ?? '';
      const events = newEvents(60);
      const after = await now();
      const following = follow(line.store, { after, streamPrefix: prefix });
      for (const round of [0, 1, 2]) {
        const some = events.slice(round * 20, round * 20 + 20);
        await appendEach(open(), stream, some, round === 0 ? 'no_stream' : BigInt(round * 20 - 1));
        if (round === 1) await line.cut();
        if (round === 2) await line.mend();
      }
      await eventually(() => expect(following.events()).to.have.lengthOf.at.least(60), {
        withinMs: 40_000,
      });
      await following.stop();
      expect(ids(following.events())).to.deep.equal(ids(events));
      await line.stop();
    },
  ).timeout(60_000);
};
