import { join } from 'node:path';
import { expect } from 'chai';
import { openDatabase } from '../../src/adapters/embedded/sqlite.js';
import { checkpointStreamOf } from '../../src/bridge/checkpoint.js';
import type { JsonObject } from '../../src/ports/json.js';
import { openEmbedded } from '../support/embedded.js';
import { startEmbeddedNode, type EmbeddedNode } from '../support/embedded-node.js';
import { eventually } from '../support/eventually.js';
import { query, send } from '../support/http-client.js';
import { startServiceProcess, type ServiceProcess } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const STATS = `query Stats($minRevision: String) {
  animeStats(animeId: 1, minRevision: $minRevision) { totalClicks }
}`;

const list = ({ commandUrl }: ServiceProcess) =>
  send('PUT', `${commandUrl}/animes/1`, { title: 'Cowboy Bebop' });

/** Answers the revision of the click. */
const click = async ({ commandUrl }: ServiceProcess): Promise<unknown> => {
  const { status, body } = await send('POST', `${commandUrl}/click`, {
    anime_id: 1,
    user_id: 'me',
  });
  expect(status).to.equal(201);
  return body['revision'];
};

const sees = async (
  { queryUrl }: ServiceProcess,
  totalClicks: number,
  minRevision: unknown,
): Promise<void> => {
  const { animeStats } = await query(queryUrl, STATS, { minRevision });
  expect(animeStats).to.deep.equal({ totalClicks });
};

const readinessOf = async ({ queryUrl }: ServiceProcess) =>
  (await send('GET', new URL('/ready', queryUrl).href)).status;

const healthOf = async ({ commandUrl }: ServiceProcess) =>
  (await send('GET', `${commandUrl}/health`)).body['status'];

const lagOf = async ({ queryUrl }: ServiceProcess) =>
  (await query(queryUrl, '{ serviceInfo { lagEvents } }'))['serviceInfo'];

const isUpToDate = (service: ServiceProcess) =>
  eventually(async () => {
    expect(await readinessOf(service)).to.equal(200);
    expect(await healthOf(service)).to.equal('healthy');
    expect(await lagOf(service)).to.deep.equal({ lagEvents: 0 });
  });

describe('services on two hosts that keep their documents themselves, on one event store', function () {
  this.timeout(120_000);
  let directories: Awaited<ReturnType<typeof temporaryDirectory>>[];
  let services: ServiceProcess[];
  let node: EmbeddedNode | undefined;

  beforeEach(() => {
    directories = [];
    services = [];
    node = undefined;
  });
  afterEach(async () => {
    for (const service of services) await service.end('SIGKILL');
    await node?.stop();
    for (const directory of directories) await directory.remove();
  });

  const aDirectory = async (): Promise<string> => {
    const directory = await temporaryDirectory();
    directories.push(directory);
    return directory.path;
  };

  const aNode = async (): Promise<string> => {
    node = await startEmbeddedNode({ dataDir: await aDirectory() });
    return node.connectionString;
  };

  const start = async (dataDir: string, url = ''): Promise<ServiceProcess> => {
    const service = await startServiceProcess({ dataDir, environment: { EVENTSTORE_URL: url } });
    services.push(service);
    return service;
  };

  it('feed each its own, whichever took the command', async () => {
    const url = await aNode();
    const [first, second] = [
      await start(await aDirectory(), url),
      await start(await aDirectory(), url),
    ];
    await list(first);
    await click(first);
    const revision = await click(second);
    for (const service of [first, second]) {
      await sees(service, 2, revision);
      await isUpToDate(service);
    }
  });

  it('go on where they were after a crash, without waiting for each other', async () => {
    const url = await aNode();
    const [ours, theirs] = [await aDirectory(), await aDirectory()];
    const [first, second] = [await start(ours, url), await start(theirs, url)];
    await list(first);
    await sees(first, 1, await click(second));
    await first.end('SIGKILL');
    await sees(second, 2, await click(second));
    const again = await start(ours, url);
    await sees(again, 3, await click(second));
    for (const service of [again, second]) await isUpToDate(service);
  });

  it('work beside the process that has the log in its data directory', async () => {
    const owner = await start(await aDirectory());
    const other = await start(await aDirectory(), owner.eventStoreUrl);
    await list(other);
    await click(owner);
    const revision = await click(other);
    for (const service of [owner, other]) {
      await sees(service, 2, revision);
      await isUpToDate(service);
    }
  });

  /** Its place was in one stream for all, and its read store did not say which one it is. */
  const makeOlder = async (dataDir: string): Promise<void> => {
    const { eventStore, readStore, close } = await openEmbedded(dataDir);
    const own = checkpointStreamOf(`${await readStore.identity()}-${readStore.fingerprint}`);
    for await (const { type, data } of eventStore.read(own, { direction: 'backwards', limit: 1 })) {
      const event = {
        id: crypto.randomUUID(),
        type,
        data: JSON.parse(Buffer.from(data).toString()) as JsonObject,
        metadata: {},
      };
      await eventStore.append(checkpointStreamOf('main'), 'no_stream', [event]);
    }
    await eventStore.deleteStream(own);
    await close();
    const versions = openDatabase(join(dataDir, 'read-models', 'versions.db'));
    versions.exec('DROP TABLE identity');
    versions.close();
  };

  it('go on where the release before was, of which one fed all there were', async () => {
    const dataDir = await aDirectory();
    const before = await start(dataDir);
    await list(before);
    await sees(before, 1, await click(before));
    expect(await before.end('SIGTERM')).to.equal(0);
    await makeOlder(dataDir);

    const upgraded = await start(dataDir);
    const added = await start(await aDirectory(), upgraded.eventStoreUrl);
    const revision = await click(upgraded);
    for (const service of [upgraded, added]) {
      await sees(service, 2, revision);
    }
    const metrics = await fetch(`${upgraded.commandUrl}/metrics`);
    expect(await metrics.text()).to.match(/^anime_analytics_projector_duplicates_total 0$/m);
  });
});
