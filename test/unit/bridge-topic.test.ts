import { expect } from 'chai';
import { checkpointStreamOf } from '../../src/bridge/checkpoint.js';
import { silentLogger, type Logger } from '../../src/platform/observability/logger.js';
import { TooLargeError, UnavailableError } from '../../src/ports/errors.js';
import { bridging } from '../support/bridging.js';
import { eventually } from '../support/eventually.js';
import { animeId, events } from '../support/examples.js';
import { logOf, type Happening } from '../support/histories.js';
import type { InMemoryEventStore } from '../support/in-memory-event-store.js';
import { recordingBus } from '../support/recording-bus.js';
import { recordingLogger } from '../support/recording-logger.js';
import { rejectionOf } from '../support/rejection-of.js';

const CLICKS: readonly Happening[] = Array.from({ length: 6 }, (_, index) => ({
  anime: (index % 3) + 1,
  event: {
    ...events.click,
    data: { ...events.click.data, animeId: animeId((index % 3) + 1) },
  },
}));

const topic = () => recordingBus(undefined, { keeps: true });

/** A bridge that has published the whole log to the topic and was stopped. */
const publishOnce = async (
  store: InMemoryEventStore,
  bus: ReturnType<typeof recordingBus>,
  logger: Logger = silentLogger(),
): Promise<void> => {
  const bridge = bridging({ eventStore: store, bus, logger });
  await bridge.start();
  await eventually(() => {
    expect(bridge.status()).to.include({ caughtUp: true, waitingEvents: 0 });
    expect(new Set(bus.places()).size).to.equal(CLICKS.length);
  });
  await bridge.stop();
};

const lastCheckpoint = async (store: InMemoryEventStore): Promise<unknown> => {
  const options = { direction: 'backwards', limit: 1 } as const;
  for await (const { data } of store.read(checkpointStreamOf('main'), options)) {
    return JSON.parse(new TextDecoder().decode(data));
  }
  return null;
};

const oneMoreClick = (store: InMemoryEventStore): void => {
  const [click] = store.log;
  if (click === undefined) throw new Error('The log is empty.');
  const { type, data } = click;
  const id = '00000000-0000-4000-8000-0000000000ff';
  store.record('anime-9', { id, type, data, metadata: {} });
};

describe('a bridge to a bus that keeps its records', () => {
  it('stores the end of each partition in its checkpoint', async () => {
    const { store } = logOf(CLICKS);
    await publishOnce(store, topic());
    expect(await lastCheckpoint(store)).to.deep.include({ offsets: { 0: '5' } });
  });

  it('stores the end of each partition also where a batch is too large and goes in parts', async () => {
    const { store } = logOf(CLICKS);
    const bus = recordingBus(
      (published) => {
        if (published.length > 2) throw new TooLargeError('Too large.');
      },
      { keeps: true },
    );
    await publishOnce(store, bus);
    expect(await lastCheckpoint(store)).to.deep.include({ offsets: { 0: '5' } });
  });

  it('repeats nothing where the topic has what the checkpoint says', async () => {
    const { store } = logOf(CLICKS);
    const bus = topic();
    await publishOnce(store, bus);
    await publishOnce(store, bus);
    expect(bus.published).to.have.length(CLICKS.length);
  });

  it('publishes the log from its beginning to a recreated topic', async () => {
    const { store } = logOf(CLICKS);
    await publishOnce(store, topic());
    const anew = topic();
    const { logger, lines } = recordingLogger();
    await publishOnce(store, anew, logger);
    const [lost] = lines.filter(({ level }) => level === 'error');
    expect(lost?.data).to.deep.equal({ partition: 0, published: 5n, ends: 0n });
    expect(new Set(anew.places()).size).to.equal(CLICKS.length);
    expect(await lastCheckpoint(store)).to.deep.include({ offsets: { 0: '5' } });
  });

  it('publishes the log from its beginning to a topic that lost its end', async () => {
    const { store } = logOf(CLICKS);
    const bus = topic();
    await publishOnce(store, bus);
    bus.published.pop();
    await publishOnce(store, bus);
    expect(new Set(bus.places()).size).to.equal(CLICKS.length);
  });

  it('publishes the log again when the topic is recreated while it runs', async () => {
    const { store } = logOf(CLICKS);
    const bus = topic();
    const bridge = bridging({ eventStore: store, bus });
    await bridge.start();
    await eventually(() => expect(bus.published).to.have.length(CLICKS.length));
    bus.published.length = 0;
    oneMoreClick(store);
    await eventually(() => expect(new Set(bus.places()).size).to.equal(CLICKS.length + 1));
    await bridge.stop();
    expect(bus.publishers()).to.equal(1);
    expect(bridge.status().problem).to.equal(null);
    expect(await lastCheckpoint(store)).to.deep.include({ state: 'released' });
  });

  it('publishes the log again when the topic is recreated while many events wait', async () => {
    const { store } = logOf(CLICKS);
    const bus = topic();
    const bridge = bridging({ eventStore: store, bus, maxBatchEvents: 1, checkpointEveryMs: 5 });
    await bridge.start();
    await eventually(() => expect(bus.published).to.have.length(CLICKS.length));
    bus.published.length = 0;
    for (let count = 0; count < 20; count += 1) oneMoreClick(store);
    await eventually(() => expect(new Set(bus.places()).size).to.equal(CLICKS.length + 20));
    await bridge.stop();
  });

  it('publishes the log again when the topic loses its end while it runs, and says where', async () => {
    const { store } = logOf(CLICKS);
    const bus = topic();
    const { logger, lines } = recordingLogger();
    const bridge = bridging({ eventStore: store, bus, logger });
    await bridge.start();
    await eventually(() => expect(bus.published).to.have.length(CLICKS.length));
    bus.published.pop();
    oneMoreClick(store);
    await eventually(() => expect(new Set(bus.places()).size).to.equal(CLICKS.length + 1));
    await bridge.stop();
    const [lost] = lines.filter(({ level }) => level === 'error');
    expect(lost?.message).to.match(/^The topic has lost records/);
    expect(lost?.data).to.deep.equal({ partition: 0, offset: 5n, known: 5n });
  });

  it('publishes the log again when the log loses its end while it runs, and says what', async () => {
    const { store } = logOf(CLICKS);
    const bus = topic();
    const { logger, lines } = recordingLogger();
    const bridge = bridging({ eventStore: store, bus, logger, checkpointEveryMs: 5 });
    await bridge.start();
    await eventually(async () =>
      expect(await lastCheckpoint(store)).to.deep.include({ offsets: { 0: '5' } }),
    );
    // Its checkpoints were on another disk than the events: they are all that is left of the end.
    const checkpoints = store.log.slice(CLICKS.length);
    store.keepFirst(CLICKS.length - 1);
    for (const { stream, id, type, data } of checkpoints) {
      store.record(stream, { id, type, data, metadata: {} });
    }
    oneMoreClick(store);
    await eventually(() => expect(bus.places()).to.include('anime-9@0'));
    await bridge.stop();
    expect(bus.places().filter((place) => place === 'anime-1@0')).to.have.length(2);
    const [lost] = lines.filter(({ level }) => level === 'error');
    expect(lost?.message).to.match(/^The log no longer holds the event that was published last/);
    expect(lost?.data).to.include({ stream: 'anime-3', revision: 1 });
  });

  it('continues after the checkpoint of a log that is restored while it runs', async () => {
    const { store } = logOf(CLICKS);
    const bus = topic();
    const bridge = bridging({ eventStore: store, bus, checkpointEveryMs: 5 });
    await bridge.start();
    await eventually(() => expect(bus.published).to.have.length(CLICKS.length));
    store.keepFirst(2);
    oneMoreClick(store);
    await eventually(() => expect(bus.places()).to.include('anime-9@0'));
    await bridge.stop();
  });

  it('refuses a topic that holds the records of another log', async () => {
    const { store } = logOf(CLICKS);
    const bus = topic();
    const [event] = store.log;
    if (event === undefined) expect.fail();
    const foreign = { event, isMarker: false, logId: 'urn:other' };
    bus.published.push(foreign);
    const refusing = bridging({ eventStore: store, bus });
    const { message } = (await rejectionOf(refusing.start())) as Error;
    expect(message).to.contain('KAFKA_TOPIC').and.to.contain('urn:other');
    await refusing.stop();

    // Seen only once it publishes, since the bus did not answer before.
    let asked = 0;
    const sample = () => {
      asked += 1;
      return asked === 1 ? Promise.reject(new UnavailableError('No broker.')) : bus.sample();
    };
    const bridge = bridging({ eventStore: store, bus: { ...bus, sample } });
    await bridge.start();
    await eventually(() => expect(bridge.status().role).to.equal('refusing'));
    expect(bridge.status().healthy).to.be.false;
    expect(bridge.status().problem).to.equal(message);
    await bridge.stop();
    expect(bus.published).to.deep.equal([foreign]);
  });

  it('publishes the log from its beginning to an empty topic whose checkpoint is of another bus', async () => {
    const { store } = logOf(CLICKS);
    const inProcess = recordingBus();
    const before = bridging({ eventStore: store, bus: inProcess });
    await before.start();
    await eventually(() => expect(inProcess.published).to.have.length(CLICKS.length));
    await before.stop();
    await publishOnce(store, topic());
  });

  it('continues after a checkpoint without offsets where the topic has records', async () => {
    const { store } = logOf(CLICKS);
    const inProcess = recordingBus();
    await publishOnce(store, inProcess);
    const bus = topic();
    bus.published.push(...inProcess.published);
    const ends = () => Promise.resolve(new Map([0n, 6n].entries()));
    await publishOnce(store, { ...bus, ends });
    expect(bus.published).to.have.length(CLICKS.length);
  });

  it('waits for a bus that cannot report its ends', async () => {
    const { store } = logOf(CLICKS);
    const bus = topic();
    let asked = 0;
    const ends = () => {
      asked += 1;
      return asked < 3 ? Promise.reject(new UnavailableError('No broker.')) : bus.ends();
    };
    const bridge = bridging({ eventStore: store, bus: { ...bus, ends } });
    await bridge.start();
    await eventually(() => expect(new Set(bus.places()).size).to.equal(CLICKS.length));
    await bridge.stop();
  });
});
