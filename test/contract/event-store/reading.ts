import { expect } from 'chai';
import type { EventStore } from '../../../src/ports/event-store.js';
import type { JsonObject } from '../../../src/ports/json.js';
import { appendEach, collect, newEvent, newEvents, type FreshStreams } from './given.js';

const AWKWARD: JsonObject = {
  text: 'カウボーイビバップ 🚀 \u0000 \u2028 \\ " / é e\u0301 \ud800',
  nothing: null,
  nested: { nothing: null, empty: {}, list: [null, [], {}, [[1]]] },
  numbers: [0, -1.5, 1e21, 5e-324, Number.MAX_SAFE_INTEGER, 8.75],
  flags: [true, false],
  '': 'no name',
  '10': 'looks like an index',
};

const DAY_MS = 86_400_000;

export const readingClauses = (streams: FreshStreams, open: () => EventStore): void => {
  describe('reading a stream of 10 events', () => {
    const stream = streams.named('read');
    before(() => open().append(stream, 'no_stream', newEvents(10)));

    const revisions = async (options: Parameters<EventStore['read']>[1]) =>
      (await collect(open().read(stream, options))).map(({ revision }) => Number(revision));

    it('ES-10 returns all events in order', async () => {
      expect(await revisions({})).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    });

    it('ES-10 begins at a revision, inclusive, and stops at the limit', async () => {
      expect(await revisions({ from: 7n })).to.deep.equal([7, 8, 9]);
      expect(await revisions({ from: 3n, limit: 2 })).to.deep.equal([3, 4]);
      expect(await revisions({ limit: 1 })).to.deep.equal([0]);
    });

    it('ES-10 goes backwards from the last event or from a revision, inclusive', async () => {
      const direction = 'backwards';
      expect(await revisions({ direction })).to.deep.equal([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
      expect(await revisions({ direction, limit: 1 })).to.deep.equal([9]);
      expect(await revisions({ direction, from: 4n, limit: 3 })).to.deep.equal([4, 3, 2]);
      expect(await revisions({ direction, from: 0n })).to.deep.equal([0]);
    });

    it('ES-10 returns nothing beyond the last event', async () => {
      expect(await revisions({ from: 10n })).to.deep.equal([]);
    });

    it('ES-10 may be abandoned before its end', async () => {
      for await (const { revision } of open().read(stream)) {
        if (revision === 2n) break;
      }
      expect(await revisions({ limit: 2 })).to.deep.equal([0, 1]);
    });
  });

  it('ES-10 reads a stream that does not exist as empty', async () => {
    const stream = streams.named('missing');
    expect(await collect(open().read(stream))).to.deep.equal([]);
    expect(await collect(open().read(stream, { direction: 'backwards' }))).to.deep.equal([]);
  });

  it('ES-10 reads a stream of several pages', async () => {
    const stream = streams.named('pages');
    await open().append(stream, 'no_stream', newEvents(450));
    await open().append(stream, 449n, newEvents(450));
    const revisions = (await collect(open().read(stream))).map(({ revision }) => Number(revision));
    expect(revisions).to.deep.equal(Array.from({ length: 900 }, (_, n) => n));
  });

  it('ES-11 returns data and metadata byte for byte', async () => {
    const stream = streams.named('bytes');
    const events = [newEvent(AWKWARD, { $correlationId: '1', awkward: AWKWARD }), newEvent({}, {})];
    await open().append(stream, 'no_stream', events);
    const found = await collect(open().read(stream));
    const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8');
    expect(found.map(({ data }) => text(data))).to.deep.equal(
      events.map(({ data }) => JSON.stringify(data)),
    );
    expect(found.map(({ metadata }) => text(metadata))).to.deep.equal(
      events.map(({ metadata }) => JSON.stringify(metadata)),
    );
  });

  it('ES-11 returns id, type and time of an event', async () => {
    const stream = streams.named('envelope');
    const event = newEvent();
    const result = await open().append(stream, 'no_stream', [event]);
    const [found] = await collect(open().read(stream));
    const { id, type } = event;
    expect(found).to.deep.include({ stream, id, type, isJson: true, ...result });
    expect(found?.recordedAt).to.be.closeTo(Date.now(), DAY_MS).and.satisfy(Number.isInteger);
  });

  it('ES-12 returns the last revision of a stream, or that it does not exist', async () => {
    const stream = streams.named('head');
    expect(await open().head(stream)).to.equal('no_stream');
    await open().append(stream, 'no_stream', newEvents(3));
    expect(await open().head(stream)).to.equal(2n);
  });

  it('ES-12 sees every settled append', async () => {
    const stream = streams.named('settled');
    for (const event of newEvents(20)) {
      const before = await open().head(stream);
      const { revision } = await open().append(stream, before, [event]);
      expect(await open().head(stream)).to.equal(revision);
    }
  });

  it('ES-13 returns strictly increasing positions', async () => {
    const [one, other] = [streams.named('order'), streams.named('order')];
    const results = [
      ...(await appendEach(open(), one, newEvents(3))),
      ...(await appendEach(open(), other, newEvents(3))),
      ...(await appendEach(open(), one, newEvents(3), 2n)),
    ];
    const commits = results.map(({ position }) => position.commit);
    const sorted = [...new Set(commits)].sort((a, b) => (a < b ? -1 : 1));
    expect(commits).to.deep.equal(sorted);
  });

  it('ES-13 returns distinct positions for the events of a batch, commit and prepare', async () => {
    const stream = streams.named('halves');
    await open().append(stream, 'no_stream', newEvents(5));
    const positions = (await collect(open().read(stream))).map(({ position }) => position);
    expect(new Set(positions.map(({ commit, prepare }) => `${commit}/${prepare}`)).size).to.equal(
      5,
    );
  });
};
