import { expect } from 'chai';
import { OutcomeUnknownError } from '../../../src/ports/errors.js';
import { bridging } from '../../support/bridging.js';
import { startEmbeddedNode, type EmbeddedNode } from '../../support/embedded-node.js';
import { eventually } from '../../support/eventually.js';
import { gapsIn, recordingBus } from '../../support/recording-bus.js';
import { rejectionOf } from '../../support/rejection-of.js';
import { tcpProxy } from '../../support/tcp-proxy.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';
import { collect, follow, ids, newEvent, newEvents } from '../event-store/given.js';
import { opened, openStore } from './support.js';

/** The keep-alive detects a dead connection within 15 s; then a new one is opened. */
const HEALS = { withinMs: 45_000 };

describe('EventStoreDB adapter over a bad connection', function () {
  this.timeout(90_000);
  const keep = opened();
  let node: EmbeddedNode;
  let stopNode: () => Promise<void>;

  before(async () => {
    const directory = await temporaryDirectory();
    node = await startEmbeddedNode({ dataDir: directory.path });
    stopNode = () => node.stop().then(directory.remove);
  });
  after(() => stopNode());

  const openDirect = () => keep(openStore(node.connectionString), (store) => store.close());
  const openOnALine = async (options = {}) => {
    const line = keep(await tcpProxy({ host: '127.0.0.1', port: node.port }), ({ stop }) => stop());
    const connectionString = `esdb://127.0.0.1:${line.port}?tls=false`;
    return { line, store: keep(openStore(connectionString, options), (store) => store.close()) };
  };

  it('detects a subscription whose packets are dropped, and resumes it without a gap or a repeat', async () => {
    const { line, store } = await openOnALine({ subscriptionSilenceMs: 1000 });
    const direct = openDirect();
    const events = newEvents(20);
    const following = follow(store, { after: 'start', streamPrefix: 'black-hole-' });
    await direct.append('black-hole-1', 'no_stream', events.slice(0, 10));
    await eventually(() => expect(following.events()).to.have.lengthOf(10));
    line.set({ kind: 'black-hole' });
    await direct.append('black-hole-1', 9n, events.slice(10));
    await eventually(() => expect(line.connections()).to.equal(0), HEALS);
    line.set({ kind: 'open' });
    await eventually(() => expect(following.events()).to.have.lengthOf.at.least(20), HEALS);
    await following.stop();
    expect(ids(following.events())).to.deep.equal(ids(events));
  });

  it('catches up over a connection that is cut repeatedly', async () => {
    let drops = 0;
    const { line, store } = await openOnALine();
    const events = newEvents(2000);
    await openDirect().append('cuts-1', 'no_stream', events);
    line.set({ kind: 'cut-after', bytes: 60_000 });
    const onDrop = () => void (drops += 1);
    const following = follow(store, { after: 'start', streamPrefix: 'cuts-', onDrop });
    await eventually(
      () => {
        line.set({ kind: 'cut-after', bytes: 60_000 });
        expect(following.events()).to.have.lengthOf.at.least(2000);
      },
      { ...HEALS, everyMs: 300 },
    );
    await following.stop();
    expect(ids(following.events())).to.deep.equal(ids(events));
    expect(drops).to.be.above(3);
  });

  it('counts each drop in the metrics of the bridge, which goes on without a gap', async () => {
    const { line, store } = await openOnALine();
    const bus = recordingBus();
    const bridge = keep(bridging({ eventStore: store, bus }), (one) => one.stop());
    await bridge.start();
    await eventually(() => expect(bridge.status().caughtUp).to.be.true, HEALS);
    line.reset();
    const dropped = async (): Promise<number> => {
      const { values } = await bridge.metrics.bridgeDrops.get();
      return values.find(({ labels }) => labels.reason === 'unavailable')?.value ?? 0;
    };
    await eventually(async () => expect(await dropped()).to.be.at.least(1), HEALS);
    const [event] = newEvents(1);
    if (event === undefined) expect.fail();
    await openDirect().append('anime-77', 'no_stream', [event]);
    await eventually(() => expect(bus.places()).to.include('anime-77@0'), HEALS);
    expect(gapsIn(bus.events())).to.deep.equal([]);
  });

  it('keeps the outcomes of concurrent appends apart', async () => {
    const { line, store } = await openOnALine();
    const neighbour = openDirect();
    await Promise.all([store.ping(), neighbour.append('neighbour', 'no_stream', newEvents(1))]);
    line.set({ kind: 'deaf' });
    const event = newEvent();
    const lost = rejectionOf(store.append('lost', 'no_stream', [event], { timeoutMs: 10_000 }));
    const appending = Array.from({ length: 50 }, (_, n) =>
      neighbour.append(`neighbour-${n}`, 'no_stream', newEvents(1)),
    );
    await eventually(async () => expect(await neighbour.head('lost')).to.equal(0n));
    line.reset();
    expect(await lost).to.be.instanceOf(OutcomeUnknownError);
    for (const { revision } of await Promise.all(appending)) expect(revision).to.equal(0n);
    expect(ids(await collect(neighbour.read('lost')))).to.deep.equal(ids([event]));
  });

  it('appends and subscribes over a slow connection', async () => {
    const { line, store } = await openOnALine();
    line.set({ kind: 'open', latencyMs: 60 });
    const following = follow(store, { after: 'start', streamPrefix: 'slow-line-' });
    const events = newEvents(5);
    for (const [n, event] of events.entries()) {
      await store.append('slow-line-1', n === 0 ? 'no_stream' : BigInt(n - 1), [event]);
    }
    await eventually(() => expect(ids(following.events())).to.deep.equal(ids(events)), HEALS);
    await following.stop();
  });
});
