import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { openGrpcNode } from '../../support/grpc-node.js';
import { bodies, collect, ids, newEvents } from '../event-store/given.js';
import { opened, openStore } from './support.js';

describe('EventStoreDB adapter, data stored by others', () => {
  const keep = opened();

  const openNode = async () => {
    const node = keep(await openGrpcNode(), ({ stop }) => stop());
    const connectionString = `esdb://127.0.0.1:${node.server.port}?tls=false`;
    const store = keep(openStore(connectionString), (one) => one.close());
    return { ...node, store };
  };

  const foreign = (data: string | Uint8Array, isJson = true, metadata = '') => ({
    id: randomUUID(),
    type: 'Foreign',
    data: Buffer.from(data),
    metadata: Buffer.from(metadata),
    isJson,
  });

  it('returns the stored bytes unchanged', async () => {
    const { log, store } = await openNode();
    const stored = [
      foreign('{ "b": 1.0, "1": 12345678901234567890, "b": 2 }', true, '{"a" : 1}'),
      foreign('not JSON at all', true, 'nor this'),
      foreign(Uint8Array.of(0, 255, 254, 0xc3, 0x28), true),
      foreign(Uint8Array.of(0, 1, 2, 255), false),
      foreign('', true),
    ];
    await log.append('foreign', 'no_stream', stored);
    const found = await collect(store.read('foreign'));
    const bytes = (
      events: readonly { data: Uint8Array; metadata: Uint8Array; isJson: boolean }[],
    ) =>
      events.map(({ data, metadata, isJson }) => ({
        data: Buffer.from(data).toString('hex'),
        metadata: Buffer.from(metadata).toString('hex'),
        isJson,
      }));
    expect(bytes(found)).to.deep.equal(bytes(stored));
  });

  it('keeps the other settings of a stream when it sets the maximum count', async () => {
    const { log, store } = await openNode();
    await log.append('$$settings', 'no_stream', [
      { ...foreign('{"$maxAge":3600,"owner":"somebody"}'), type: '$metadata' },
    ]);
    await store.setMaxCount('settings', 3);
    const metadata = await collect(store.read('$$settings', { direction: 'backwards', limit: 1 }));
    expect(bodies(metadata)).to.deep.equal([{ $maxAge: 3600, owner: 'somebody', $maxCount: 3 }]);
  });

  it('does not restore old events of a deleted stream when it sets the maximum count', async () => {
    const { log, store } = await openNode();
    await store.append('gone', 'no_stream', newEvents(3));
    await log.softDelete('gone', 'any');
    await store.setMaxCount('gone', 2);
    expect(await collect(store.read('gone'))).to.deep.equal([]);
    // New metadata ends the deletion in the server.
    const [event] = newEvents(1);
    await store.append('gone', 2n, event === undefined ? [] : [event]);
    expect(ids(await collect(store.read('gone')))).to.deep.equal([event?.id]);
  });
});
