import { expect } from 'chai';
import type { EventStore, Position, RecordedEvent } from '../../../src/ports/event-store.js';
import type { JsonObject } from '../../../src/ports/json.js';
import {
  appendEach,
  collect,
  newEvent,
  newEvents,
  positionNow,
  type FreshStreams,
} from './given.js';

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

  describe('reading all streams', () => {
    const [one, other] = [streams.named('all'), streams.named('all')];
    let start: Position;
    let written: readonly Position[];
    before(async () => {
      start = await positionNow(open(), streams);
      const results = [
        ...(await appendEach(open(), one, newEvents(2))),
        ...(await appendEach(open(), other, newEvents(2))),
        ...(await appendEach(open(), one, newEvents(1), 1n)),
      ];
      written = results.map(({ position }) => position);
    });

    /** The events of both streams that were read, although others may write beside them. */
    const ownOf = (events: readonly RecordedEvent[]): (readonly [string, number])[] =>
      events
        .filter(({ stream }) => stream === one || stream === other)
        .map(({ stream, revision }) => [stream, Number(revision)]);

    it('ES-23 returns the events after a position in log order, without the one there', async () => {
      const all = await open().readAll({ after: start, direction: 'forwards', limit: 500 });
      const order = [
        [one, 0],
        [one, 1],
        [other, 0],
        [other, 1],
        [one, 2],
      ];
      expect(ownOf(all)).to.deep.equal(order);
      const [, second] = written;
      const rest = await open().readAll({ after: second, direction: 'forwards', limit: 500 });
      expect(ownOf(rest)).to.deep.equal(order.slice(2));
    });

    it('ES-23 returns the events before a position against the log order', async () => {
      const after = written[4];
      const found = await open().readAll({ after, direction: 'backwards', limit: 4 });
      expect(found).to.have.length(4);
      expect(ownOf(found)).to.deep.equal(
        [
          [other, 1],
          [other, 0],
          [one, 1],
          [one, 0],
        ].slice(0, ownOf(found).length),
      );
      const positions = found.map(({ position }) => position.commit);
      expect(positions).to.deep.equal(positions.toSorted((a, b) => (a > b ? -1 : 1)));
    });

    it('ES-23 begins at either end of the log where no position is given', async () => {
      const [first] = await open().readAll({ direction: 'forwards', limit: 1 });
      expect(first?.position.commit).to.satisfy((commit: bigint) => commit <= start.commit);
      const last = await positionNow(open(), streams);
      const [newest] = await open().readAll({ direction: 'backwards', limit: 1 });
      expect(newest?.position.commit).to.satisfy((commit: bigint) => commit >= last.commit);
      expect(newest).to.include.keys('data', 'metadata', 'recordedAt', 'type');
    });

    it('ES-23 returns as many as asked, and nothing after the end of the log', async () => {
      const read = (limit: number) =>
        open().readAll({ after: start, direction: 'forwards', limit });
      for (const limit of [0, 1, 3]) expect(await read(limit)).to.have.length(limit);
      const all = await read(10_000);
      const after = all.at(-1)?.position ?? start;
      const late = await open().readAll({ after, direction: 'forwards', limit: 10_000 });
      expect(ownOf(late)).to.deep.equal([]);
    });
  });

  it('ES-23 returns as many large events as asked, across pages', async () => {
    const stream = streams.named('large');
    const before = await positionNow(open(), streams);
    const large = Array.from({ length: 12 }, () => newEvent({ text: 'x'.repeat(700_000) }));
    await appendEach(open(), stream, large);
    const found = await open().readAll({ after: before, direction: 'forwards', limit: 12 });
    expect(found).to.have.length(12);
    const back = await open().readAll({ direction: 'backwards', limit: 12 });
    expect(back).to.have.length(12);
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
