import { join } from 'node:path';
import { expect } from 'chai';
import { openDatabase } from '../../src/embedded-eventstore/sqlite.js';
import { checkpointStreamOf } from '../../src/bridge/checkpoint.js';
import type { JsonObject } from '../../src/ports/json.js';
import { openEmbedded } from '../support/embedded.js';
import { eventually } from '../support/eventually.js';
import { click, hosts, isWell, lagOf, list, sees, type Hosts } from '../support/hosts.js';
import type { ServiceProcess } from '../support/service-process.js';

const isUpToDate = async (service: ServiceProcess): Promise<void> => {
  await isWell(service);
  await eventually(async () => expect(await lagOf(service)).to.deep.equal({ lagEvents: 0 }));
};

describe('services on two hosts with their own documents on one event store', function () {
  this.timeout(120_000);
  let on: Hosts;
  beforeEach(() => {
    on = hosts();
  });
  afterEach(() => on.stop());

  it('each feed their own documents, whichever accepted the command', async () => {
    const EVENTSTORE_URL = await on.eventStore();
    const both = [await on.start({ EVENTSTORE_URL }), await on.start({ EVENTSTORE_URL })] as const;
    const [first, second] = both;
    await list(first, 1);
    await click(first, 1);
    const revision = await click(second, 1);
    for (const service of both) {
      await sees(service, 1, { clicks: 2, revision });
      await isUpToDate(service);
    }
  });

  it('continue after a crash without waiting for each other', async () => {
    const EVENTSTORE_URL = await on.eventStore();
    const dataDir = await on.directory();
    const first = await on.start({ EVENTSTORE_URL }, dataDir);
    const second = await on.start({ EVENTSTORE_URL });
    await list(first, 1);
    await sees(first, 1, { clicks: 1, revision: await click(second, 1) });
    await first.end('SIGKILL');
    await sees(second, 1, { clicks: 2, revision: await click(second, 1) });
    const again = await on.start({ EVENTSTORE_URL }, dataDir);
    await sees(again, 1, { clicks: 3, revision: await click(second, 1) });
    for (const service of [again, second]) await isUpToDate(service);
  });

  it('work next to the process that has the log in its data directory', async () => {
    const owner = await on.start();
    const other = await on.start({ EVENTSTORE_URL: owner.eventStoreUrl });
    await list(other, 1);
    await click(owner, 1);
    const revision = await click(other, 1);
    for (const service of [owner, other]) {
      await sees(service, 1, { clicks: 2, revision });
      await isUpToDate(service);
    }
  });

  it('are both fed where the documents of one were copied to the other', async () => {
    const EVENTSTORE_URL = await on.eventStore();
    const dataDir = await on.directory();
    const before = await on.start({ EVENTSTORE_URL }, dataDir);
    await list(before, 1);
    await sees(before, 1, { clicks: 1, revision: await click(before, 1) });
    expect(await before.end('SIGTERM')).to.equal(0);
    const copy = await on.copyOfDocuments(dataDir);
    const first = await on.start({ EVENTSTORE_URL }, dataDir);
    const second = await on.start({ EVENTSTORE_URL }, copy);
    for (const clicks of [2, 3, 4]) {
      const revision = await click(first, 1);
      for (const service of [first, second]) await sees(service, 1, { clicks, revision });
    }
  });

  /** Its place was in one stream for all, and its read store did not say which one it is. */
  const makeOlder = async (dataDir: string): Promise<void> => {
    const { eventStore, readStore, close } = await openEmbedded(dataDir);
    const own = checkpointStreamOf(`${await readStore.identity()}-${readStore.fingerprint}`);
    for await (const { type, data } of eventStore.read(own, { direction: 'backwards', limit: 1 })) {
      const checkpoint = JSON.parse(Buffer.from(data).toString()) as JsonObject;
      const event = { id: crypto.randomUUID(), type, data: checkpoint, metadata: {} };
      await eventStore.append(checkpointStreamOf('main'), 'no_stream', [event]);
    }
    await eventStore.deleteStream(own);
    await close();
    const versions = openDatabase(join(dataDir, 'read-models', 'versions.db'));
    versions.exec('DROP TABLE identity');
    versions.close();
  };

  it('continue from the shared checkpoint of the previous release', async () => {
    const dataDir = await on.directory();
    const before = await on.start({}, dataDir);
    await list(before, 1);
    await sees(before, 1, { clicks: 1, revision: await click(before, 1) });
    expect(await before.end('SIGTERM')).to.equal(0);
    await makeOlder(dataDir);

    const upgraded = await on.start({}, dataDir);
    const added = await on.start({ EVENTSTORE_URL: upgraded.eventStoreUrl });
    const revision = await click(upgraded, 1);
    for (const service of [upgraded, added]) await sees(service, 1, { clicks: 2, revision });
    const metrics = await (await fetch(`${upgraded.commandUrl}/metrics`)).text();
    expect(metrics).to.match(/^anime_analytics_projector_duplicates_total 0$/m);
  });
});
