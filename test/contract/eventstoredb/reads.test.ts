import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { openGrpcNode, type GrpcNode } from '../../support/grpc-node.js';
import { tcpProxy } from '../../support/tcp-proxy.js';
import { newEvents } from '../event-store/given.js';
import { opened, openStore } from './support.js';

/** A Node server closes a connection after some thousand stream resets. */
const READS = 1_500;
const AT_ONCE = 50;

describe('EventStoreDB adapter, reading', function () {
  this.timeout(60_000);
  const keep = opened();
  let node: GrpcNode;

  before(async () => (node = await openGrpcNode()));
  after(() => node.stop());

  const openOnALine = async () => {
    const target = { host: '127.0.0.1', port: node.server.port };
    const line = keep(await tcpProxy(target), ({ stop }) => stop());
    const connectionString = `esdb://127.0.0.1:${line.port}?tls=false`;
    return { line, store: keep(openStore(connectionString), (store) => store.close()) };
  };

  const manyTimes = async (read: () => Promise<unknown>): Promise<void> => {
    for (let done = 0; done < READS; done += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, read));
    }
  };

  it('keeps one connection over thousands of missing streams', async () => {
    const { line, store } = await openOnALine();
    await manyTimes(async () => {
      for await (const { revision } of store.read(`missing-${randomUUID()}`)) {
        throw new Error(`There is an event ${revision}.`);
      }
    });
    await manyTimes(() => store.head(`missing-${randomUUID()}`));
    expect(line.everConnected()).to.equal(1);
  });

  it('keeps one connection over thousands of reads that stop at their limit', async () => {
    const { line, store } = await openOnALine();
    await store.append('limited', 'no_stream', newEvents(3));
    await manyTimes(() => store.head('limited'));
    await manyTimes(async () => {
      for await (const { revision } of store.read('limited', { limit: 2 })) {
        if (revision === 1n) return;
      }
    });
    expect(line.everConnected()).to.equal(1);
  });
});
