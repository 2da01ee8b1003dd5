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

export const subscribingClauses = (
  target: EventStoreTarget,
  streams: FreshStreams,
  open: () => EventStore,
): void => {
  const now = () => positionNow(open(), streams);

  it('ES-14 delivers matching events once, in log order, from history into live', async () => {
    const { prefix, streams: family } = streams.family('seam', 4);
    const after = await now();
    const appended: { id: string; commit: bigint }[] = [];
    const write = async (stream: string, count: number, from: bigint | 'no_stream') => {
      const events = newEvents(count);
      const results = await appendEach(open(), stream, events, from);
      events.forEach(({ id }, n) => {
        appended.push({ id, commit: results[n]?.position.commit ?? -1n });
      });
    };
    await Promise.all(family.map((stream) => write(stream, 25, 'no_stream')));
    await appendEach(open(), streams.named('other'), newEvents(10));
    const writers = family.map((stream) => write(stream, 25, 24n));
    const following = Array.from({ length: 4 }, () =>
      follow(open(), { after, streamPrefix: prefix }),
    );
    await Promise.all(writers);
    const inLogOrder = ids(appended.sort((a, b) => (a.commit < b.commit ? -1 : 1)));
    for (const one of following) {
      await eventually(() => expect(one.events()).to.have.lengthOf.at.least(200));
      await one.stop();
      expect(ids(one.events())).to.deep.equal(inLogOrder);
    }
  }).timeout(30_000);

  it('ES-14 resumes after any delivered position without a repeat or a gap', async () => {
    const { prefix, streams: family } = streams.family('resume', 1);
    const after = await now();
    const events = newEvents(6);
    await open().append(family[0] ?? '', 'no_stream', events.slice(0, 4));
    await appendEach(open(), family[0] ?? '', events.slice(4), 3n);
    const stored = await collect(open().read(family[0] ?? ''));
    for (const [n, { position }] of stored.entries()) {
      const rest = follow(open(), { after: position, streamPrefix: prefix });
      await eventually(() => expect(rest.kinds()).to.include('caught-up'));
      await eventually(() => expect(rest.events()).to.have.lengthOf.at.least(5 - n));
      await rest.stop();
      expect(ids(rest.events())).to.deep.equal(ids(events.slice(n + 1)));
    }
    const all = follow(open(), { after, streamPrefix: prefix });
    await eventually(() => expect(ids(all.events())).to.deep.equal(ids(events)));
    await all.stop();
  });

  it('ES-14 resumes after a checkpoint without a repeat or a gap', async () => {
    const { prefix, streams: family } = streams.family('checkpoint', 1);
    const first = follow(open(), { after: await now(), streamPrefix: prefix });
    await eventually(() => expect(first.kinds()).to.include('caught-up'));
    await open().append(streams.named('noise'), 'no_stream', newEvents(400));
    await eventually(() => expect(first.kinds()).to.include('checkpoint'), { withinMs: 20_000 });
    await first.stop();
    const [checkpoint] = first.deliveries.flatMap((d) => (d.kind === 'checkpoint' ? [d] : []));
    const events = newEvents(3);
    await open().append(family[0] ?? '', 'no_stream', events);
    const after = checkpoint?.position ?? 'start';
    const second = follow(open(), { after, streamPrefix: prefix });
    await eventually(() => expect(ids(second.events())).to.deep.equal(ids(events)));
    await second.stop();
  }).timeout(30_000);

  it('ES-14 delivers events with all fields that a read returns', async () => {
    const { prefix, streams: family } = streams.family('same', 1);
    const following = follow(open(), { after: await now(), streamPrefix: prefix });
    await open().append(family[0] ?? '', 'no_stream', [
      newEvent({ text: '☄' }, { $causationId: '1' }),
    ]);
    const stored = await collect(open().read(family[0] ?? ''));
    await eventually(() => expect(following.events()).to.deep.equal(stored));
    await following.stop();
  });

  it('ES-14 delivers every stream without a prefix', async () => {
    const after = await now();
    const named = [streams.named('any'), streams.named('any')];
    for (const stream of named) await open().append(stream, 'no_stream', newEvents(1));
    const following = follow(open(), { after });
    await eventually(() => {
      expect(following.events().map(({ stream }) => stream)).to.include.members(named);
    });
    await following.stop();
  });

  clause('ES-14 begins at the first event of the log', target.freshLog, async () => {
    const { prefix, streams: family } = streams.family('start', 1);
    const events = newEvents(3);
    await open().append(family[0] ?? '', 'no_stream', events);
    const following = follow(open(), { after: 'start', streamPrefix: prefix });
    await eventually(() => expect(ids(following.events())).to.deep.equal(ids(events)));
    await following.stop();
  });

  it('ES-15 reports caught-up after the last event of the history', async () => {
    const { prefix, streams: family } = streams.family('history', 1);
    const after = await now();
    await open().append(family[0] ?? '', 'no_stream', newEvents(5));
    const following = follow(open(), { after, streamPrefix: prefix });
    await eventually(() => expect(following.kinds()).to.include('caught-up'));
    await following.stop();
    const kinds = following.kinds();
    expect(kinds.slice(0, kinds.indexOf('caught-up')).filter((kind) => kind === 'event'))
      .to.have //
      .lengthOf(5);
  });

  it('ES-15 reports caught-up where there is no history', async () => {
    const after = await now();
    const { prefix } = streams.family('nothing', 0);
    const following = follow(open(), { after, streamPrefix: prefix });
    await eventually(() => expect(following.kinds()).to.include('caught-up'));
    await following.stop();
    expect(following.events()).to.deep.equal([]);
  });

  it('ES-15 reports checkpoints while nothing matches', async () => {
    const after = await now();
    const { prefix } = streams.family('unmatched', 0);
    const following = follow(open(), { after, streamPrefix: prefix });
    await eventually(() => expect(following.kinds()).to.include('caught-up'));
    const checkpoints = () =>
      following.deliveries.flatMap((one) => (one.kind === 'checkpoint' ? [one.position] : []));
    const noise = streams.named('noise');
    const { position } = await open().append(noise, 'no_stream', newEvents(400));
    await eventually(
      async () => {
        await open().append(noise, await open().head(noise), newEvents(20));
        expect(checkpoints().at(-1)?.commit).to.satisfy(
          (commit: bigint | undefined) => commit !== undefined && commit >= position.commit,
        );
      },
      { withinMs: 20_000 },
    );
    await following.stop();
    const commits = checkpoints().map(({ commit }) => commit);
    expect(commits).to.deep.equal([...commits].sort((a, b) => (a < b ? -1 : 1)));
  }).timeout(30_000);
};
