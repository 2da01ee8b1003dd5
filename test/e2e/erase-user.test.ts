import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import fc from 'fast-check';
import { runCommandLine as run } from '../support/command-line.js';
import { eventually } from '../support/eventually.js';
import { query, send } from '../support/http-client.js';
import { startServiceProcess } from '../support/service-process.js';
import { filesWith, temporaryDirectory } from '../support/temporary-directory.js';

const MASTER_KEY = randomBytes(32).toString('base64');
const ENCRYPT = { USER_ID_PROTECTION: 'encrypt', USER_ID_MASTER_KEY: MASTER_KEY };
const SPIKE = 'spike.spiegel@bebop.example';
const FAYE = 'faye.valentine@bebop.example';

describe('erasing a user', function () {
  this.timeout(240_000);
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let service: Awaited<ReturnType<typeof startServiceProcess>> | undefined;

  const dataDir = () => join(directory.path, 'data');
  const start = async (environment: NodeJS.ProcessEnv = ENCRYPT) =>
    (service = await startServiceProcess({
      dataDir: dataDir(),
      environment: {
        EVENTSTORE_PORT: '0',
        LOG_DIR: join(directory.path, 'log'),
        LOG_LEVEL: 'debug',
        ...environment,
      },
    }));
  const running = () => service ?? expect.fail('no service');
  const job = (args: readonly string[], environment: NodeJS.ProcessEnv = ENCRYPT) =>
    run(args, { DATA_DIR: dataDir(), NODE_ENV: 'test', ...environment });
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    await service?.end(signal);
    service = undefined;
  };

  beforeEach(async () => {
    directory = await temporaryDirectory();
  });
  afterEach(async () => {
    await stop();
    await directory.remove();
  });

  const command = async (path: string, user_id: string, more: object = {}) => {
    const body = { anime_id: 1, user_id, ...more };
    const headers = {
      'idempotency-key': `${path}-${user_id.length}-${JSON.stringify(more).length}`,
    };
    const { status } = await send('POST', `${running().commandUrl}/${path}`, body, headers);
    expect(status).to.equal(201);
  };

  const happenings = async () => {
    const { status } = await send('PUT', `${running().commandUrl}/animes/1`, { title: 'Bebop' });
    expect(status).to.equal(201);
    for (const user of [SPIKE, FAYE]) {
      await command('click', user);
      await command('view', user, { duration_seconds: 60 });
    }
    await command('rating', SPIKE, { rating: 8 });
    await command('rating', SPIKE, { rating: 10 });
    await command('rating', FAYE, { rating: 6 });
  };

  const TOTALS = `{
    animeStats(animeId: 1) { totalClicks totalViews totalRatings averageRating totalDurationSeconds }
    ratingDistribution(animeId: 1) { buckets { stars count } }
    serviceInfo { lagEvents }
  }`;
  const totals = async (clicks: number) =>
    eventually(async () => {
      const found = await query(running().queryUrl, TOTALS);
      expect(found).to.deep.include({ serviceInfo: { lagEvents: 0 } });
      expect(found).to.have.nested.property('animeStats.totalClicks', clicks);
      return found;
    });
  const clicksOf = async (user: string): Promise<number[]> => {
    const document = `query ($user: String!) {
      userInteractions(userId: $user) { edges { node { totalClicks } } }
    }`;
    const { userInteractions } = await query(running().queryUrl, document, { user });
    const { edges } = userInteractions as { edges: { node: { totalClicks: number } }[] };
    return edges.map(({ node }) => node.totalClicks);
  };
  const erase = (user: string) =>
    send('DELETE', `${running().commandUrl}/users/${encodeURIComponent(user)}`);

  it('leaves every total, no answer and no byte of the id in any file', async () => {
    await start();
    await happenings();
    const before = await totals(2);
    expect(await clicksOf(SPIKE)).to.deep.equal([1]);
    const erased = await erase(SPIKE);
    expect(erased.status).to.equal(200);
    expect(erased.body).to.deep.include({ notErased: { events: 0, streams: [] } });
    expect(await erase('somebody unknown')).to.deep.include({ body: erased.body });
    expect(await clicksOf(SPIKE)).to.deep.equal([]);
    expect(await clicksOf(FAYE)).to.deep.equal([1]);
    expect(await totals(2)).to.deep.equal(before);

    await command('click', SPIKE, { occurred_at: new Date().toISOString() });
    await totals(3);
    expect(await clicksOf(SPIKE)).to.deep.equal([1]);
    await erase(SPIKE);

    const { body } = await send('GET', `${running().commandUrl}/animes/1/events`);
    expect(JSON.stringify(body)).not.to.contain(SPIKE);
    const audited = await job(['audit', '--json']);
    expect(audited.code, audited.errors).to.equal(0);
    expect(await filesWith(directory.path, SPIKE)).to.deep.equal([]);
    await stop();
    expect(await filesWith(directory.path, SPIKE)).to.deep.equal([]);
    expect(await filesWith(dataDir(), FAYE)).to.deep.equal([]);
  });

  it('makes the same read models from the log as before it', async () => {
    await start();
    await happenings();
    const before = await totals(2);
    await erase(SPIKE);
    await stop();
    await rm(join(dataDir(), 'read-models'), { recursive: true });
    await start();
    expect(await totals(2)).to.deep.equal(before);
    expect(await clicksOf(FAYE)).to.deep.equal([1]);
  });

  it('is a job of the command line, beside a service and without one', async () => {
    await start();
    await happenings();
    const beside = await job(['erase-user', SPIKE, '--json']);
    expect(beside.code, beside.errors).to.equal(0);
    expect(JSON.parse(beside.output)).to.deep.include({ notErased: { events: 0, streams: [] } });
    expect(await clicksOf(SPIKE)).to.deep.equal([]);
    await stop();
    const alone = await job(['erase-user', FAYE]);
    expect([alone.code, alone.output]).to.deep.equal([0, 'The user is forgotten.\n']);
    await start();
    expect(await clicksOf(FAYE)).to.deep.equal([]);
    expect(await filesWith(directory.path, SPIKE)).to.deep.equal([]);
  });

  it('is whole or not there after a kill -9 at any moment, and a repeat completes it', async () => {
    const KILLS = 6;
    const users = Array.from({ length: KILLS + 1 }, (_, index) => `user-${index}@bebop.example`);
    await start();
    await send('PUT', `${running().commandUrl}/animes/1`, { title: 'Bebop' });
    for (const user_id of users) {
      const click = { anime_id: 1, user_id };
      expect(await send('POST', `${running().commandUrl}/click`, click)).to.include({
        status: 201,
      });
    }
    const before = await totals(users.length);
    const begun = performance.now();
    await erase(users.pop() ?? '');
    const tookMs = performance.now() - begun;

    const moments = fc.double({ min: 0, max: 1.5, noNaN: true });
    const kill = async (moment: number): Promise<void> => {
      const user = users.pop() ?? expect.fail('everybody is erased');
      const erasing = erase(user).catch(() => undefined);
      await delay(moment * tookMs);
      await stop('SIGKILL');
      const answer = await erasing;
      await start();
      const found = await clicksOf(user);
      expect(found).to.be.deep.oneOf(answer === undefined ? [[], [1]] : [[]]);
      expect(await erase(user)).to.include({ status: 200 });
      expect(await clicksOf(user)).to.deep.equal([]);
      expect(await filesWith(directory.path, user)).to.deep.equal([]);
    };
    await fc.assert(fc.asyncProperty(moments, kill), { numRuns: KILLS, endOnFailure: true });
    expect(await totals(KILLS + 1)).to.deep.equal(before);
  });

  it('holds for a key store that was copied before it', async () => {
    await start();
    await happenings();
    await stop();
    const keys = join(dataDir(), 'user-keys.db');
    const copy = await readFile(keys);
    await start();
    await erase(SPIKE);
    await stop('SIGKILL');
    await rename(keys, join(directory.path, 'user-keys.newer'));
    await rm(`${keys}-wal`, { force: true });
    await rm(`${keys}-shm`, { force: true });
    await writeFile(keys, copy);
    await start();
    expect(await clicksOf(SPIKE)).to.deep.equal([]);
    expect(await clicksOf(FAYE)).to.deep.equal([1]);
  });

  it('names the events from before the protection, which it cannot erase', async () => {
    await start({});
    await happenings();
    await stop();
    await start();
    await command('click', SPIKE, { occurred_at: new Date().toISOString() });
    await totals(3);
    expect(await clicksOf(SPIKE)).to.deep.equal([2]);
    const { status, body } = await erase(SPIKE);
    expect(status).to.equal(200);
    expect(body).to.deep.include({ notErased: { events: 4, streams: ['anime-1'] } });
    expect(await clicksOf(SPIKE)).to.deep.equal([1]);
    const told = await job(['erase-user', SPIKE]);
    expect(told.code).to.equal(1);
    expect(told.output).to.match(
      /4 events hold the id in plain text .*anime-1.*copy-log --encrypt/,
    );
  });

  it('leaves an export that can decrypt all others', async () => {
    await start();
    await happenings();
    await erase(SPIKE);
    await stop();
    const { code, output, errors } = await job([
      'export',
      '--decrypt',
      '--types',
      'ClickRegistered',
    ]);
    expect(code, errors).to.equal(0);
    const users = output
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { data: { userId: string | null } }).data.userId);
    expect(users).to.deep.equal([null, FAYE]);
    expect((await job(['export'])).output).not.to.contain(FAYE);
  });

  it('of everybody, by losing the key store, happens to nobody by accident', async () => {
    await start();
    await happenings();
    await stop();
    await rename(join(dataDir(), 'user-keys.db'), join(directory.path, 'lost'));
    const { code, errors } = await job(['serve'], { ...ENCRYPT, EVENTSTORE_PORT: '0' });
    expect(code, errors).to.equal(2);
    expect(errors).to.match(/USER_ID_KEY_STORE: the key store of this log is not there/);
    await start({ ...ENCRYPT, USER_ID_KEY_STORE: 'new' });
    expect(await clicksOf(SPIKE)).to.deep.equal([]);
    await totals(2);
  });

  it('is refused with a sentence where user ids are not protected', async () => {
    await start({});
    const { status, body } = await erase(SPIKE);
    expect(status).to.equal(501);
    expect(body).to.include({ type: 'urn:problem-type:user-ids-not-protected' });
    await stop();
    const { code, errors } = await job(['erase-user', SPIKE], {});
    expect(code).to.equal(2);
    expect(errors).to.match(/^USER_ID_MASTER_KEY: .*plain text/);
  });

  it('needs the master key of the key store, without which nothing starts and nothing is written', async () => {
    await start();
    await happenings();
    await stop();
    const keys = join(dataDir(), 'user-keys.db');
    const before = await readFile(keys);
    const other = { ...ENCRYPT, USER_ID_MASTER_KEY: randomBytes(32).toString('base64') };
    for (const args of [['serve'], ['erase-user', SPIKE]]) {
      const { code, errors } = await job(args, {
        ...other,
        COMMAND_PORT: '0',
        QUERY_PORT: '0',
        EVENTSTORE_PORT: '0',
      });
      expect(code, errors).to.equal(2);
      expect(errors).to.match(/USER_ID_MASTER_KEY: the key store was made with another master key/);
      expect(errors).not.to.contain(other.USER_ID_MASTER_KEY);
    }
    expect((await readFile(keys)).equals(before)).to.equal(true);
    await start({ ...other, USER_ID_MASTER_KEY_PREVIOUS: MASTER_KEY });
    expect(await clicksOf(SPIKE)).to.deep.equal([1]);
    await stop();
    await start(other);
    expect(await clicksOf(SPIKE)).to.deep.equal([1]);
  });

  it('leaves no byte of the id of a plain log in a copy that was made with --encrypt', async () => {
    const plain = { USER_ID_PROTECTION: 'off' };
    await start(plain);
    await happenings();
    const before = await totals(2);
    await stop();
    const target = join(directory.path, 'copy');
    const copy = (environment: NodeJS.ProcessEnv = ENCRYPT) =>
      job(['copy-log', '--from', dataDir(), '--to', target, '--encrypt'], environment);
    const without = await copy({});
    expect(without.code).to.equal(2);
    expect(without.errors).to.contain('USER_ID_MASTER_KEY');
    for (const written of [8, 0]) {
      const { code, output, errors } = await copy();
      expect(code, errors + output).to.equal(0);
      expect(output).to.contain(`${written} events written`);
    }
    expect(await filesWith(target, SPIKE)).to.deep.equal([]);

    await rm(dataDir(), { recursive: true });
    await rename(target, dataDir());
    await start();
    expect(await totals(2)).to.deep.equal(before);
    // Repeats of what was recorded before the copy.
    await command('click', SPIKE);
    expect(await totals(2)).to.deep.equal(before);
    const { status, body } = await send('DELETE', `${running().commandUrl}/users/${SPIKE}`);
    expect([status, body['notErased']]).to.deep.equal([200, { events: 0, streams: [] }]);
    expect(await totals(2)).to.deep.equal(before);
  });
});
