import { join } from 'node:path';
import { expect } from 'chai';
import { openDatabase } from '../../src/embedded-eventstore/sqlite.js';
import { encode } from '../../src/wire/stream-event.js';
import { openEmbedded } from '../support/embedded.js';
import { eventually } from '../support/eventually.js';
import { animeId, AT, COWBOY_BEBOP, userId } from '../support/examples.js';
import { send } from '../support/http-client.js';
import { runCommandLine } from '../support/command-line.js';
import { startServiceProcess, type ServiceProcess } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import type { AnimeEvent } from '../../src/domain/events.js';
import type { ExpectedRevision } from '../../src/ports/event-store.js';

const CLICKS = 40_000;
const IN_ONE_APPEND = 2_000;
const STREAM = 'anime-1';
const LONG = { withinMs: 60_000, everyMs: 100 };

const recorded = (event: AnimeEvent) => ({
  id: crypto.randomUUID(),
  type: event.type,
  data: encode(event),
  metadata: {},
});

const fillLog = async (dataDir: string, wanted: number): Promise<void> => {
  const { eventStore, close } = await openEmbedded(dataDir);
  const fact = { animeId: animeId(1), occurredAt: AT };
  const listed = { type: 'AnimeListed', data: { ...fact, details: COWBOY_BEBOP } } as const;
  let expected: ExpectedRevision = 'no_stream';
  ({ revision: expected } = await eventStore.append(STREAM, expected, [recorded(listed)]));
  for (let count = 0; count < wanted; count += IN_ONE_APPEND) {
    const clicks = Array.from({ length: IN_ONE_APPEND }, (_, index) =>
      recorded({ type: 'ClickRegistered', data: { ...fact, userId: userId(`u${count + index}`) } }),
    );
    ({ revision: expected } = await eventStore.append(STREAM, expected, clicks));
  }
  await close();
};

/** Makes the documents those of a release that knew of no fingerprints and had other tables. */
const makeOlder = (dataDir: string): void => {
  const directory = join(dataDir, 'read-models');
  const versions = openDatabase(join(directory, 'versions.db'));
  versions.exec('ALTER TABLE versions DROP COLUMN fingerprint');
  versions.close();
  const documents = openDatabase(join(directory, '1.db'));
  documents.exec('ALTER TABLE animes RENAME COLUMN document TO anime');
  documents.close();
};

const ready = ({ queryUrl }: ServiceProcess) => send('GET', new URL('/ready', queryUrl).href);

const isReady = (service: ServiceProcess) =>
  eventually(async () => expect((await ready(service)).status).to.equal(200), LONG);

const ask = async ({ queryUrl }: ServiceProcess, query: string) =>
  (await send('POST', queryUrl, { query })).body;

const CLICKS_AND_VERSION = '{ animeStats(animeId: 1) { totalClicks } serviceInfo { readModels } }';

describe('an embedded service on the documents of another release', function () {
  this.timeout(180_000);
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let service: ServiceProcess;
  const start = async () => {
    service = await startServiceProcess({ dataDir: directory.path });
  };
  const job = (...args: string[]) =>
    runCommandLine(args, { DATA_DIR: directory.path, NODE_ENV: 'test' });

  const given = async (clicks: number) => {
    await fillLog(directory.path, clicks);
    await start();
    await isReady(service);
    expect(await service.end('SIGTERM')).to.equal(0);
    makeOlder(directory.path);
  };

  beforeEach(async () => {
    directory = await temporaryDirectory();
  });
  afterEach(async () => {
    await service.end('SIGKILL');
    await directory.remove();
  });

  it('is not ready but accepts commands until its own are built, also when killed meanwhile', async () => {
    await given(CLICKS);
    await start();
    const { status, body } = await ready(service);
    expect(status).to.equal(503);
    expect(body)
      .to.have.nested.property('reasons.read-models')
      .that.matches(/v1.*v2 is being built/);
    expect(await ask(service, '{ genres }')).to.have.nested.property(
      'errors[0].extensions.code',
      'NOT_READY',
    );
    const click = await send('POST', `${service.commandUrl}/click`, { anime_id: 1, user_id: 'me' });
    expect(click.status).to.equal(201);
    await service.end('SIGKILL');
    expect((await job('rebuild', 'status')).output).to.match(/v1 +active .* of another release/);
    await start();
    await isReady(service);
    expect(await ask(service, CLICKS_AND_VERSION)).to.deep.equal({
      data: { animeStats: { totalClicks: CLICKS + 1 }, serviceInfo: { readModels: 'v2' } },
    });
    expect(await service.end('SIGTERM')).to.equal(0);
    expect((await job('audit')).code).to.equal(0);
    expect((await job('audit', 'v1')).output).to.contain('v1 has another fingerprint');
    expect((await job('rebuild', 'rollback', 'v1')).output).to.contain(
      'v1 has another fingerprint',
    );
    expect((await job('rebuild', 'prune', 'v1')).code).to.equal(0);
    expect((await job('rebuild', 'status')).output).to.match(/^v2 +active [^\n]*\n$/);
  });

  it('builds nothing at the start after rebuild and rebuild promote', async () => {
    await given(IN_ONE_APPEND);
    expect((await job('rebuild')).output).to.contain('v2 is ready');
    expect(await job('rebuild', 'promote')).to.include({ code: 0, output: 'v2 is active.\n' });
    await start();
    expect((await ready(service)).status).to.equal(200);
    expect(await ask(service, CLICKS_AND_VERSION)).to.deep.equal({
      data: { animeStats: { totalClicks: IN_ONE_APPEND }, serviceInfo: { readModels: 'v2' } },
    });
  });
});
