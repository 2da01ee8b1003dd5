import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { expect } from 'chai';
import { PortError, UnavailableError } from '../../../src/ports/errors.js';
import type { EventStore } from '../../../src/ports/event-store.js';
import type { Projections, WithProjections } from '../../../src/ports/projections.js';
import { freePort } from '../../support/free-port.js';
import { openGrpcNode } from '../../support/grpc-node.js';
import { projectionEngine } from '../../support/projections/engine.js';
import { projectionServer } from '../../support/projections/server.js';
import { rejectionOf } from '../../support/rejection-of.js';
import { opened, openStore } from './support.js';

const definition = {
  name: 'counting',
  query: "fromCategory('some').when({ Happened: function (state) { return state; } });",
  emit: false,
};

const calls: readonly [string, (projections: Projections) => Promise<unknown>][] = [
  ['list', (projections) => projections.list()],
  ['deploy', (projections) => projections.deploy(definition)],
  ['stateOf', (projections) => projections.stateOf(definition.name, '')],
];

describe('the projections of EventStoreDB', () => {
  const keep = opened();
  const open = (connectionString: string, options = {}): EventStore & WithProjections =>
    keep(openStore(connectionString, options), (store) => store.close());

  const address = (port: number) => `esdb://127.0.0.1:${port}?tls=false`;

  for (const [name, call] of calls) {
    it(`PJ-7 ${name} reports that the event store has no engine`, async () => {
      const node = keep(await openGrpcNode(), ({ stop }) => stop());
      const error = await rejectionOf(call(open(address(node.server.port)).projections));
      expect(error).to.be.instanceOf(PortError);
      expect(error).to.include({ code: 'NOT_SUPPORTED', retriable: false });
      expect((error as Error).message).to.match(
        /^This event store has no projection engine: .+\.$/,
      );
    });

    it(`PJ-8 ${name} is unavailable where nobody listens`, async () => {
      const { projections } = open(address(await freePort()));
      expect(await rejectionOf(call(projections))).to.be.instanceOf(UnavailableError);
    });

    it(`PJ-8 ${name} is unavailable in time where a server does not respond`, async () => {
      const silent = createServer((socket) => {
        keep(socket, () => socket.destroy());
        socket.on('error', () => undefined);
      });
      const port = await new Promise<number>((resolve) => {
        silent.listen(0, '127.0.0.1', () => {
          resolve((silent.address() as { port: number }).port);
        });
      });
      keep(silent, () => silent.close());
      const { projections } = open(address(port), { projectionTimeoutMs: 200 });
      const begun = performance.now();
      expect(await rejectionOf(call(projections))).to.be.instanceOf(UnavailableError);
      expect(performance.now() - begun).to.be.lessThan(1500);
    });

    it(`PJ-8 ${name} is unavailable once the event store was closed`, async () => {
      const server = keep(await projectionServer({ engine: projectionEngine() }), (one) =>
        one.stop(),
      );
      const store = open(server.connectionString);
      await store.projections.list();
      await store.close();
      expect(await rejectionOf(call(store.projections))).to.be.instanceOf(UnavailableError);
    });
  }

  describe('and the record of deployed texts', () => {
    const stream = `deployed-projection-${definition.name}`;
    let store: EventStore & WithProjections;

    beforeEach(async () => {
      const server = keep(await projectionServer({ engine: projectionEngine() }), (one) =>
        one.stop(),
      );
      store = open(server.connectionString);
    });

    it('is one event per change, outside the anime streams', async () => {
      const { projections } = store;
      for (const each of [definition, definition, { ...definition, emit: true }]) {
        await projections.deploy(each);
      }
      const data: unknown[] = [];
      for await (const event of store.read(stream)) {
        data.push(JSON.parse(Buffer.from(event.data).toString()));
      }
      expect(data).to.have.length(2);
      expect(data[1]).to.include({ name: definition.name, emit: true });
    });

    it('is ignored where somebody else wrote to it', async () => {
      const { projections } = store;
      await projections.deploy(definition);
      const foreign = { id: randomUUID(), type: 'Whatever', data: {}, metadata: {} };
      await store.append(stream, await store.head(stream), [foreign]);
      expect(await projections.deploy(definition)).to.equal('updated');
      expect(await projections.deploy(definition)).to.equal('unchanged');
    });
  });

  it('refuse an invalid text, naming the projection', async () => {
    const server = keep(await projectionServer({ engine: projectionEngine() }), (one) =>
      one.stop(),
    );
    const { projections } = open(server.connectionString);
    const error = await rejectionOf(projections.deploy({ ...definition, query: 'fromCategory(' }));
    expect(error).to.include({ code: 'NOT_SUPPORTED', retriable: false });
    expect((error as Error).message).to.contain('refuses counting: ');
  });
});
