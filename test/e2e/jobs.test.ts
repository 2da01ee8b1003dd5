import { randomUUID } from 'node:crypto';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { readOrMakeLogIdentity } from '../../src/wire/log-identity.js';
import { openEmbedded } from '../support/embedded.js';
import { send } from '../support/http-client.js';
import { runCommandLine as run } from '../support/command-line.js';
import { startServiceProcess } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const CLICK = { anime_id: 1, user_id: 'user123' };

describe('the jobs of the command line, on a service that is stopped', function () {
  this.timeout(120_000);
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;

  beforeEach(async () => {
    directory = await temporaryDirectory();
    const service = await startServiceProcess({
      dataDir: directory.path,
      args: ['--sample-catalog', 'data/sample-catalog.csv'],
    });
    for (let count = 0; count < 3; count += 1) {
      await send('POST', `${service.commandUrl}/click`, CLICK);
    }
    expect(await service.end('SIGTERM')).to.equal(0);
  });
  afterEach(() => directory.remove());

  const job = (...args: string[]) => run(args, { DATA_DIR: directory.path, NODE_ENV: 'test' });

  it('audit the documents against the log', async () => {
    const { code, output } = await job('audit');
    expect(output).to.match(
      /0 different, 0 anime late, 0 not comparable\.\nv1 equals the log\.\n$/,
    );
    expect(code).to.equal(0);
  });

  it('tell a difference, with what the log says, and exit 1', async () => {
    const embedded = await openEmbedded(directory.path);
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

  it('build a version beside the active one, promote it, roll it back and prune it', async () => {
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

  it('promote no version that is behind the active one', async () => {
    expect((await job('rebuild')).code).to.equal(0);
    const embedded = await openEmbedded(directory.path);
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

  it('are refused on the read models of another log, with the setting that names them', async () => {
    const other = await temporaryDirectory();
    const embedded = await openEmbedded(other.path);
    await readOrMakeLogIdentity(embedded.eventStore, randomUUID());
    await embedded.close();
    await rm(join(other.path, 'read-models'), { recursive: true });
    await cp(join(directory.path, 'read-models'), join(other.path, 'read-models'), {
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

  it('say what is not there', async () => {
    expect(await job('audit', 'v9')).to.include({ code: 1, output: 'There is no version v9.\n' });
    const promoted = await job('rebuild', 'promote');
    expect(promoted).to.include({ code: 1, output: 'There is no version that is ready.\n' });
  });

  it('list dead letters as open until their anime is computed again with them', async () => {
    const embedded = await openEmbedded(directory.path);
    await embedded.deadLetters.add({
      ...{ stream: 'anime-1', revision: 99, source: 'partition 0, offset 7', value: null },
      ...{ reason: 'the record has no value', at: '2026-11-28T00:00:00.000Z' },
    });
    await embedded.deadLetters.add({
      ...{ stream: 'anime-1', revision: 2, source: 'partition 0, offset 8', value: null },
      ...{ reason: 'the record has no value', at: '2026-11-28T00:00:01.000Z' },
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
    expect(replayed.output).to.contain('v1: anime 1 is computed again up to revision 3');
    expect(replayed.code).to.equal(0);
    expect((await job('audit')).code).to.equal(0);
  });

  it('are refused beside a running service, with the setting that is in the way', async () => {
    const service = await startServiceProcess({ dataDir: directory.path });
    const { code, errors } = await job('audit');
    await service.end('SIGTERM');
    expect(errors).to.contain('DATA_DIR').and.to.contain(String(service.pid));
    expect(code).to.equal(2);
  });
});
