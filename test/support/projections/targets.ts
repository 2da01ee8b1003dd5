import { EventStoreDBClient } from '@eventstore/db-client';
import { randomUUID } from 'node:crypto';
import type { OpenProjections } from '../../contract/projections.features.js';
import { openStore } from '../../contract/eventstoredb/support.js';
import { projectionEngine } from './engine.js';
import { projectionServer, type ProjectionServerOptions } from './server.js';

type Open = () => Promise<OpenProjections>;

/** A server of ours that answers as full servers do, in each of their ways. */
export const projectionTargets = (): ReadonlyMap<string, Open> =>
  new Map([
    ['EventStoreDB adapter, server with a code for "not found"', ours('by code')],
    ['EventStoreDB adapter, server with a sentence for "not found"', ours('in a sentence')],
  ]);

const ours =
  (saysNotFound: NonNullable<ProjectionServerOptions['saysNotFound']>): Open =>
  async () => {
    const engine = projectionEngine();
    const server = await projectionServer({ engine, saysNotFound });
    const stores = storesOf(server.connectionString);
    return {
      projections: stores.open().projections,
      another: () => stores.open().projections,
      append: (streamId, eventType) => {
        engine.append({ streamId, eventType, data: '{}', isJson: true });
        return Promise.resolve();
      },
      disable: (name) => {
        engine.disable(name);
        return Promise.resolve();
      },
      close: async () => {
        await stores.close();
        await server.stop();
      },
    };
  };

/** A full server. */
export const foreignProjections = (url: string): OpenProjections => {
  const stores = storesOf(url);
  const store = stores.open();
  const operator = EventStoreDBClient.connectionString(url);
  return {
    projections: store.projections,
    another: () => stores.open().projections,
    append: async (stream, type) => {
      const event = { id: randomUUID(), type, data: {}, metadata: {} };
      await store.append(stream, await store.head(stream), [event]);
    },
    disable: (name) => operator.disableProjection(name),
    close: async () => {
      await operator.dispose();
      await stores.close();
    },
  };
};

const storesOf = (connectionString: string) => {
  const opened: ReturnType<typeof openStore>[] = [];
  return {
    open: () => {
      const store = openStore(connectionString);
      opened.push(store);
      return store;
    },
    close: async () => {
      for (const store of opened) await store.close();
    },
  };
};
