import { expect } from 'chai';
import {
  AnotherLogError,
  checkpointStreamOf,
  refuseAnotherLog,
  refuseAnotherTopic,
  resumePosition,
} from '../../src/bridge/checkpoint.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { PortError } from '../../src/ports/errors.js';
import type { Position } from '../../src/ports/event-store.js';
import type { JsonObject } from '../../src/ports/json.js';
import { bridging } from '../support/bridging.js';
import { eventually } from '../support/eventually.js';
import { animeId, events } from '../support/examples.js';
import { LOG_ID, logOf } from '../support/histories.js';
import { recordingBus } from '../support/recording-bus.js';
import { rejectionOf } from '../support/rejection-of.js';

const STREAM = checkpointStreamOf('main');

const STORED: JsonObject = {
  schemaVersion: 1,
  logId: LOG_ID,
  holder: 'another',
  state: 'released',
  position: { commit: '200', prepare: '200' },
  offsets: {},
};

/** A log of three events under a checkpoint that somebody has stored. */
const given = async (data: JsonObject, type = 'BridgeCheckpointed') => {
  const { store } = logOf(
    [1, 2, 3].map((anime) => ({
      anime,
      event: { ...events.click, data: { ...events.click.data, animeId: animeId(anime) } },
    })),
  );
  await store.append(STREAM, 'no_stream', [{ id: 'c', type, data, metadata: {} }]);
  const bus = recordingBus();
  return { bus, bridge: bridging({ eventStore: store, bus }) };
};

describe('the checkpoint of a bridge', () => {
  for (const [name, data, published] of [
    ['is complete', STORED, 1],
    ['has no position', { ...STORED, position: null }, 3],
    ['was written before there were offsets', without(STORED, 'offsets'), 1],
    ['has the longest position and offset', { ...STORED, ...withNumbers('9'.repeat(20)) }, 0],
  ] as const) {
    it(`is continued from where it ${name}`, async () => {
      const { bus, bridge } = await given(data);
      await bridge.start();
      await eventually(() =>
        expect(bridge.status()).to.include({ caughtUp: true, waitingEvents: 0 }),
      );
      await bridge.stop();
      expect(bus.published).to.have.length(published);
    });
  }

  for (const [name, change, type] of [
    ['is of another type', {}, 'Other'],
    ['names no log', { logId: null }],
    ['names a number as its log', { logId: 7 }],
    ['has no owner', { holder: null }],
    ['has another state', { state: 'lent' }],
    ['has a position that is none', { position: '200' }],
    ['has half a position', { position: { commit: '200' } }],
    ['has the other half of a position', { position: { prepare: '200' } }],
    ['has numbers in its position', { position: { commit: 200, prepare: 200 } }],
    ['has a number as half of its position', { position: { commit: 200, prepare: '200' } }],
    ['has a number as the other half', { position: { commit: '200', prepare: 200 } }],
    ['has a negative position', { position: { commit: '-200', prepare: '200' } }],
    ['has a position that ends in letters', { position: { commit: '200', prepare: '200n' } }],
    ['has too long a position', { position: { commit: '200', prepare: '9'.repeat(21) } }],
    ['has offsets that are none', { offsets: '0' }],
    ['has a partition that is no number', { offsets: { a: '1' } }],
    ['has a number as an offset', { offsets: { 0: 1 } }],
    ['has a negative offset', { offsets: { 0: '-1' } }],
  ] as const) {
    it(`keeps the bridge from starting where it ${name}`, async () => {
      const { bus, bridge } = await given({ ...STORED, ...change }, type);
      const error = await rejectionOf(bridge.start());
      expect(error).to.be.instanceOf(PortError).and.not.instanceOf(AnotherLogError);
      expect(error).to.deep.include({ code: 'CORRUPT', context: { stream: STREAM } });
      expect(error)
        .to.have.property('message')
        .that.matches(/^The bridge's checkpoint .* at revision 0\. Delete /);
      await bridge.stop();
      expect(bus.published).to.deep.equal([]);
    });
  }

  it('keeps the bridge from starting where it is of another log, and says which', async () => {
    const { bus, bridge } = await given({ ...STORED, logId: 'another' });
    const error = await rejectionOf(bridge.start());
    expect(error).to.be.instanceOf(AnotherLogError);
    expect(error).to.deep.include({
      code: 'CORRUPT',
      context: { stream: STREAM, found: 'another', logId: LOG_ID },
    });
    expect(error)
      .to.have.property('message')
      .that.matches(/^The bridge's checkpoint .* belongs to the log another, .* Delete /);
    await bridge.stop();
    expect(bus.published).to.deep.equal([]);
  });
});

describe('where a bridge resumes', () => {
  const at = (commit: bigint, prepare: bigint) => ({ commit, prepare });
  const offsets = new Map([[0, 5n]]);
  const resumed = (position: Position | null, flushed?: Position | null) =>
    resumePosition({
      progress: { position, offsets },
      flushed:
        flushed === undefined
          ? undefined
          : { load: () => Promise.resolve(flushed), save: () => Promise.resolve() },
      bus: { ends: () => Promise.resolve(null), sample: () => Promise.resolve(null) },
      logId: LOG_ID,
      logger: silentLogger(),
    });

  for (const [name, documents, expected] of [
    ['in an earlier transaction', at(1n, 9n), at(1n, 9n)],
    ['in a later transaction', at(3n, 1n), at(2n, 2n)],
    ['earlier in the same transaction', at(2n, 1n), at(2n, 1n)],
    ['later in the same transaction', at(2n, 3n), at(2n, 2n)],
  ] as const) {
    it(`is the earlier of its checkpoint and the documents, which are ${name}`, async () => {
      expect(await resumed(at(2n, 2n), documents)).to.deep.equal({ after: expected, offsets });
    });
  }

  it('is the beginning without a checkpoint or without documents', async () => {
    const beginning = { after: 'start', offsets: new Map() };
    expect(await resumed(null, at(2n, 2n))).to.deep.equal(beginning);
    expect(await resumed(at(2n, 2n), null)).to.deep.equal(beginning);
  });

  it('is the checkpoint where nothing says how far the documents are', async () => {
    expect(await resumed(at(2n, 2n))).to.deep.equal({ after: at(2n, 2n), offsets });
  });

  it('is of no concern to a standby where the bus keeps nothing', async () => {
    await refuseAnotherTopic({ ends: () => Promise.resolve(null) }, offsets);
  });

  it('is nowhere in a topic of another log, which the error names', async () => {
    const [event] = logOf([{ anime: 1, event: events.click }]).items;
    const sample = () => Promise.resolve(event ? { ...event, logId: 'another' } : null);
    const error = await rejectionOf(refuseAnotherLog({ sample }, LOG_ID));
    expect(error).to.deep.include({ context: { found: 'another', logId: LOG_ID } });
  });
});

function without(data: JsonObject, name: string): JsonObject {
  return Object.fromEntries(Object.entries(data).filter(([field]) => field !== name));
}

function withNumbers(number: string): JsonObject {
  return { position: { commit: number, prepare: number }, offsets: { 0: number } };
}
