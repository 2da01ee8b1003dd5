import { randomUUID } from 'node:crypto';
import { cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { readOrMakeLogIdentity } from '../../src/compose/log-identity.js';
import { eventually } from '../support/eventually.js';
import { openEmbedded } from '../support/embedded.js';
import { query } from '../support/http-client.js';
import { runCommandLine as run } from '../support/command-line.js';
import {
  type ServiceWithJobs,
  startServiceWithJobs,
  WITHOUT_GRPC,
} from '../support/service-with-jobs.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

describe('the jobs of the command line, on a service that is stopped', function () {
  this.timeout(120_000);
  let fixture: ServiceWithJobs;

  beforeEach(async () => {
    fixture = await startServiceWithJobs({ clicks: 3 });
    expect(await fixture.service.end('SIGTERM')).to.equal(0);
  });
  afterEach(() => fixture.close());

  const job = (...args: string[]) => fixture.job(...args);

  it('audit the documents against the log', async () => {
    const { code, output } = await job('audit');
    expect(output).to.match(
      /0 different, 0 anime behind, 0 not comparable\.\nv1 equals the log\.\n$/,
    );
    expect(code).to.equal(0);
  });

  it('print a difference with the value of the log, and exit 1', async () => {
    const embedded = await openEmbedded(fixture.dataDir);
    const documents = embedded.readStore.documents('v1');
    for await (const anime of documents.allAnimes()) {
      const animes = [{ ...anime, generation: 1, clicks: 77 }];
      if (anime.animeId === 1) await documents.save({ interactions: [], days: [], animes });
    }
    await embedded.close();
    const { code, output } = await job('audit');
    expect(output).to.contain('different: anime 1').and.to.contain('1 different');
    expect(code).to.equal(1);
  });

  it('build a version next to the active one, promote it, roll it back and prune it', async () => {
    const built = await job('rebuild');
    expect(built.output).to.contain('(100 %)').and.to.contain('v2 is ready');
    expect(built.code).to.equal(0);
    expect((await job('rebuild', 'status')).output).to.match(
      /^v1 +active .* 0 events behind\nv2 +ready .* 0 events behind\n$/,
    );
    expect((await job('rebuild', 'promote')).output).to.equal('v2 is active.\n');
    expect((await job('rebuild', 'rollback')).output).to.equal('v1 is active.\n');
    const refused = await job('rebuild', 'prune', 'v1');
    expect(refused).to.include({ code: 1, output: 'The active version cannot be pruned.\n' });
    expect((await job('rebuild', 'prune', 'v2')).code).to.equal(0);
    expect((await job('rebuild', 'status')).output).to.match(/^v1 +active [^\n]*\n$/);
  });

  it('refuse to promote a version that is behind the active one', async () => {
    expect((await job('rebuild')).code).to.equal(0);
    const embedded = await openEmbedded(fixture.dataDir);
    const documents = embedded.readStore.documents('v1');
    for await (const anime of documents.allAnimes()) {
      const animes = [{ ...anime, revision: anime.revision + 1 }];
      if (anime.animeId === 1) await documents.save({ interactions: [], days: [], animes });
    }
    const head = await embedded.eventStore.head('anime-1');
    const event = { id: randomUUID(), type: 'Later', data: {}, metadata: {} };
    await embedded.eventStore.append('anime-1', head, [event]);
    await embedded.close();
    const { code, output } = await job('rebuild', 'promote');
    expect(output).to.match(/^v2 is behind the active version in 1 anime/);
    expect(code).to.equal(1);
  });

  it('are refused on the read models of another log, naming the setting', async () => {
    const other = await temporaryDirectory();
    const embedded = await openEmbedded(other.path);
    await readOrMakeLogIdentity(embedded.eventStore, randomUUID());
    await embedded.close();
    await rm(join(other.path, 'read-models'), { recursive: true });
    await cp(join(fixture.dataDir, 'read-models'), join(other.path, 'read-models'), {
      recursive: true,
    });
    const environment = { DATA_DIR: other.path, NODE_ENV: 'test' };
    for (const args of [
      ['audit'],
      ['rebuild'],
      ['rebuild', 'promote'],
      ['dead-letters', 'replay'],
    ]) {
      const { code, errors } = await run(args, environment);
      expect(errors, args.join(' ')).to.match(/^DATA_DIR: .* another event log/);
      expect(code).to.equal(2);
    }
    await other.remove();
  });

  it('report a missing version, stream or letter', async () => {
    expect(await job('audit', 'v9')).to.include({ code: 1, output: 'There is no version v9.\n' });
    const promoted = await job('rebuild', 'promote');
    expect(promoted).to.include({ code: 1, output: 'There is no version that is ready.\n' });
  });

  it('list dead letters as open until their anime is recomputed with them', async () => {
    const embedded = await openEmbedded(fixture.dataDir);
    await embedded.deadLetters.add({
      stream: 'anime-1',
      revision: 99,
      source: 'partition 0, offset 7',
      value: null,
      reason: 'the record has no value',
      at: '2026-11-28T00:00:00.000Z',
    });
    await embedded.deadLetters.add({
      stream: 'anime-1',
      revision: 2,
      source: 'partition 0, offset 8',
      value: null,
      reason: 'the record has no value',
      at: '2026-11-28T00:00:01.000Z',
    });
    await embedded.close();
    const { code, output } = await job('dead-letters', 'list');
    expect(output.split('\n')).to.deep.equal([
      'open     2026-11-28T00:00:00.000Z  anime-1@99  the record has no value',
      '         The stream has no such event: see $maxCount, $maxAge and $tb in its metadata.',
      'settled  2026-11-28T00:00:01.000Z  anime-1@2  the record has no value',
      '2 dead letters, 1 open.',
      '',
    ]);
    expect(code).to.equal(0);
    const replayed = await job('dead-letters', 'replay');
    expect(replayed.output).to.contain('v1: anime 1 recomputed up to revision 3');
    expect(replayed.code).to.equal(0);
    expect((await job('audit')).code).to.equal(0);
  });

  it('refuse a data directory that does not exist, without creating it, and name the nearest', async () => {
    const dataDir = join(fixture.dataDir, 'read-model');
    for (const args of [
      ['audit'],
      ['rebuild'],
      ['dead-letters', 'list'],
      ['import-catalog', 'x'],
    ]) {
      const { code, errors } = await run(args, { DATA_DIR: dataDir, NODE_ENV: 'test' });
      expect(errors, args.join(' '))
        .to.match(/^DATA_DIR: there is no directory/)
        .and.to.contain(`Did you mean ${join(fixture.dataDir, 'read-models')}?`);
      expect(code).to.equal(2);
    }
    expect(await readdir(fixture.dataDir)).not.to.include('read-model');
  });

  it('refuse a directory without an event log, and leave it unchanged', async () => {
    const empty = await temporaryDirectory();
    const { code, errors } = await run(['audit'], { DATA_DIR: empty.path, NODE_ENV: 'test' });
    expect(errors).to.match(/^DATA_DIR: there is no event log in/);
    expect(code).to.equal(2);
    expect(await readdir(empty.path)).to.deep.equal([]);
    await empty.remove();
  });

  it('print one JSON document with --json, and their messages to standard error', async () => {
    const { code, output, errors } = await job('rebuild', 'status', '--json');
    const [version] = (JSON.parse(output) as { versions: object[] }).versions;
    expect(version).to.include({ name: 'v1', state: 'active', behind: 0, ofOtherLog: false });
    expect(errors).to.match(/^v1 +active /m);
    expect(code).to.equal(0);
    const refused = await job('audit', 'v9', '--json');
    expect(JSON.parse(refused.output)).to.deep.equal({
      command: 'audit',
      ok: false,
      message: 'There is no version v9.',
    });
    expect(refused.code).to.equal(1);
  });
});

describe('the jobs of the command line, beside a running service', function () {
  this.timeout(120_000);
  let fixture: ServiceWithJobs;

  beforeEach(async () => {
    fixture = await startServiceWithJobs({ environment: WITHOUT_GRPC });
  });
  afterEach(() => fixture.close());

  const job = (...args: string[]) => fixture.job(...args);
  const clicks = async () => {
    const { animeStats } = await query(
      fixture.service.queryUrl,
      '{ animeStats(animeId: 1) { totalClicks } }',
    );
    return (animeStats as { totalClicks: number }).totalClicks;
  };

  it('build a version, update it from then on, and prune the one before', async () => {
    await fixture.click();
    expect((await job('rebuild')).output).to.contain('v2 is ready');
    await fixture.click();
    expect(await job('rebuild', 'promote')).to.include({ code: 0, output: 'v2 is active.\n' });
    expect(await job('rebuild', 'prune', 'v1')).to.include({ code: 0 });
    await fixture.click();
    await eventually(async () => expect(await clicks()).to.equal(3));
    expect(await job('audit')).to.include({ code: 0 });
    expect(await fixture.service.end('SIGTERM')).to.equal(0);
    // The version that the service updated is complete.
    expect(await job('audit')).to.include({ code: 0 });
  });

  it('audit and list dead letters, also as JSON', async () => {
    expect((await job('audit')).output).to.match(/v1 equals the log\.\n$/);
    const audited = JSON.parse((await job('audit', '--json')).output) as object;
    expect(audited).to.include({ command: 'audit', ok: true, version: 'v1', animes: 85 });
    expect((await job('dead-letters', 'list')).output).to.equal('0 dead letters, 0 open.\n');
    expect(await job('audit', 'v9')).to.include({ code: 1, output: 'There is no version v9.\n' });
  });

  it('are refused where they name other servers than the service uses', async () => {
    const other = { KAFKA_BROKERS: '127.0.0.1:1' };
    const environment = { DATA_DIR: fixture.dataDir, NODE_ENV: 'test', ...other };
    const { code, errors } = await run(['audit'], environment);
    expect(errors).to.match(/^KAFKA_BROKERS, KAFKA_TOPIC: the service that owns DATA_DIR has/);
    expect(code).to.equal(2);
  });
});
