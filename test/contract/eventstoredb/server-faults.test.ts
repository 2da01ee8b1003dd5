import { expect } from 'chai';
import { OutcomeUnknownError, UnavailableError } from '../../../src/ports/errors.js';
import { startEmbeddedNode, type EmbeddedNode } from '../../support/embedded-node.js';
import { eventStoreCluster } from '../../support/event-store-cluster.js';
import { eventually } from '../../support/eventually.js';
import { rejectionOf } from '../../support/rejection-of.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';
import {
  appendUntilKnown,
  collect,
  follow,
  ids,
  newEvent,
  newEvents,
} from '../event-store/given.js';
import { opened, openStore } from './support.js';

const HEALS = { withinMs: 40_000 };

for (const batchAppend of [true, false]) {
  describe(`EventStoreDB adapter and a server that fails, ${batchAppend ? 'with' : 'without'} batches`, function () {
    this.timeout(90_000);
    const keep = opened();
    let node: EmbeddedNode;
    let restart: () => Promise<void>;

    beforeEach(async () => {
      const directory = keep(await temporaryDirectory(), ({ remove }) => remove());
      const place = { dataDir: directory.path, batchAppend };
      node = await startEmbeddedNode(place);
      keep(undefined, () => {
        process.kill(node.pid, 'SIGCONT');
        return node.stop();
      });
      restart = async () => {
        node = await startEmbeddedNode({ ...place, port: node.port });
      };
    });

    const open = (options = {}) =>
      keep(openStore(node.connectionString, options), (store) => store.close());

    it('times out on a paused server, and continues when it resumes', async () => {
      const store = open({ appendTimeoutMs: 300, readTimeoutMs: 300 });
      const [first, second] = [newEvent(), newEvent()];
      await store.append('frozen', 'no_stream', [first], { timeoutMs: 5_000 });
      process.kill(node.pid, 'SIGSTOP');
      const append = rejectionOf(store.append('frozen', 0n, [second]));
      const reads = [
        rejectionOf(collect(store.read('frozen'))),
        rejectionOf(store.head('frozen')),
        rejectionOf(store.ping()),
      ];
      expect(await append).to.be.instanceOf(OutcomeUnknownError);
      for (const error of await Promise.all(reads)) {
        expect(error).to.be.instanceOf(UnavailableError);
      }
      process.kill(node.pid, 'SIGCONT');
      await eventually(() => store.append('frozen', 0n, [second], { timeoutMs: 2000 }), HEALS);
      expect(ids(await collect(store.read('frozen')))).to.deep.equal(ids([first, second]));
    });

    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      it(`resumes a subscription through a restart by ${signal}`, async () => {
        const store = open();
        const following = follow(store, { after: 'start', streamPrefix: 'restart-' });
        const events = newEvents(30);
        await store.append('restart-1', 'no_stream', events.slice(0, 10));
        await eventually(() => expect(following.events()).to.have.lengthOf(10), HEALS);
        await node.kill(signal);
        await restart();
        await appendUntilKnown(store, 'restart-1', 9n, events.slice(10, 20));
        await store.append('restart-1', 19n, events.slice(20));
        await eventually(() => expect(following.events()).to.have.lengthOf.at.least(30), HEALS);
        await following.stop();
        expect(ids(following.events())).to.deep.equal(ids(events));
      });
    }

    it('starts without a server: calls are unavailable, subscriptions wait', async () => {
      const store = open();
      await node.stop();
      const following = follow(store, { after: 'start', streamPrefix: 'early-' });
      const event = newEvent();
      const error = await rejectionOf(store.append('early-1', 'no_stream', [event]));
      expect(error).to.be.instanceOf(UnavailableError);
      await restart();
      await appendUntilKnown(store, 'early-1', 'no_stream', [event]);
      await eventually(() => expect(ids(following.events())).to.deep.equal(ids([event])), HEALS);
      await following.stop();
    });

    it('loses and duplicates no event when writers retry through kills of the server', async () => {
      const store = open({ appendTimeoutMs: 1000 });
      const following = follow(store, { after: 'start', streamPrefix: 'retry-' });
      const writers = Array.from({ length: 8 }, (_, n) => ({
        stream: `retry-${n}`,
        events: newEvents(30),
      }));
      const writing = Promise.all(
        writers.map(async ({ stream, events }) => {
          for (const [n, event] of events.entries()) {
            await appendUntilKnown(store, stream, n === 0 ? 'no_stream' : BigInt(n - 1), [event]);
          }
        }),
      );
      for (const share of [0.2, 0.5]) {
        await eventually(
          () => expect(following.events()).to.have.lengthOf.at.least(8 * 30 * share),
          HEALS,
        );
        await node.kill('SIGKILL');
        await restart();
      }
      await writing;
      for (const { stream, events } of writers) {
        expect(ids(await collect(store.read(stream)))).to.deep.equal(ids(events));
      }
      await eventually(() => expect(following.events()).to.have.lengthOf.at.least(240), HEALS);
      await following.stop();
      for (const { stream, events } of writers) {
        const delivered = following.events().filter((event) => event.stream === stream);
        expect(ids(delivered)).to.deep.equal(ids(events));
      }
    });
  });
}

describe('EventStoreDB adapter and a change of the leader', function () {
  this.timeout(30_000);
  const keep = opened();

  const clusterOfTwo = async () => {
    const directory = keep(await temporaryDirectory(), ({ remove }) => remove());
    const node = keep(await startEmbeddedNode({ dataDir: directory.path }), (one) => one.stop());
    return keep(await eventStoreCluster(node, 2), (one) => one.stop());
  };
  const openAt = (hosts: readonly string[]) =>
    keep(openStore(`esdb://${hosts.join(',')}?tls=false`), (one) => one.close());

  it('reads on from the new leader, without an error', async () => {
    const cluster = await clusterOfTwo();
    const store = openAt(cluster.hosts.slice(0, 1));
    const [first, second] = [newEvent(), newEvent()];
    await store.append('led', 'no_stream', [first]);
    for (const leader of [1, 0, 1]) {
      cluster.elect(leader);
      expect(ids(await collect(store.read('led')))).to.deep.equal(ids([first]));
    }
    await store.append('led', 0n, [second]);
    const page = await store.readAll({ after: undefined, direction: 'backwards', limit: 1 });
    expect(ids(page)).to.deep.equal(ids([second]));
    expect(cluster.redirected()).to.equal(3);
  });

  it('is unavailable for reads and appends while there is no leader', async () => {
    const cluster = await clusterOfTwo();
    const store = openAt(cluster.hosts);
    await store.append('led', 'no_stream', [newEvent()]);
    cluster.elect(null);
    const append = () => store.append('led', 0n, [newEvent()]);
    for (const call of [append, () => store.head('led')]) {
      expect(await rejectionOf(call())).to.be.instanceOf(UnavailableError);
    }
    cluster.elect(1);
    await eventually(append, HEALS);
  });
});
