import { PortError } from '../../src/ports/errors.js';
import { foreignServer } from '../support/event-store-db-targets.js';
import { foreignProjections } from '../support/projections/targets.js';
import { openEventStoreDb } from '../support/stack/event-store.js';
import { orSkip, shared } from '../support/stack/server.js';
import { eventStoreContract } from './event-store.features.js';
import { projectionsContract } from './projections.features.js';

const url = process.env['EVENTSTORE_URL'] ?? '';

const address = async (): Promise<string> =>
  (await shared('eventstoredb-server', openEventStoreDb)).address;

describe('EventStoreDB', function () {
  before(async function () {
    this.timeout(300_000);
    await orSkip(this, 'eventstoredb-server', openEventStoreDb);
  });

  eventStoreContract('EventStoreDB adapter, a real server', foreignServer(url, address));

  describe('with an engine', () => {
    before(async function () {
      const engine = foreignProjections(await address());
      try {
        await engine.projections.list();
      } catch (error) {
        if (!(error instanceof PortError) || error.code !== 'NOT_SUPPORTED') throw error;
        process.stdout.write(`      skipped: ${error.message}\n`);
        this.skip();
      } finally {
        await engine.close();
      }
    });

    projectionsContract('EventStoreDB adapter, a real server', async () =>
      foreignProjections(await address()),
    );
  });
});
