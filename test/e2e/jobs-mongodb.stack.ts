import { join } from 'node:path';
import { expect } from 'chai';
import { runCommandLine as run } from '../support/command-line.js';
import { send } from '../support/http-client.js';
import { startServiceProcess, type ServiceProcess } from '../support/service-process.js';
import { freshDatabase } from '../support/stack/mongodb-store.js';
import { dropDatabase, openMongodb } from '../support/stack/mongodb.js';
import { orSkip, type StackServer } from '../support/stack/server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

describe('jobs that only read, where MONGODB_URL is set', function () {
  this.timeout(120_000);
  let mongodb: StackServer | undefined;
  let database: string;
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let service: ServiceProcess;

  before(async function () {
    this.timeout(300_000);
    mongodb = await orSkip(this, 'mongodb', openMongodb);
  });

  const servers = () => ({
    NODE_ENV: 'test',
    MONGODB_URL: mongodb?.address,
    MONGODB_DATABASE: database,
  });

  beforeEach(async () => {
    database = freshDatabase();
    directory = await temporaryDirectory();
    service = await startServiceProcess({ dataDir: directory.path, environment: servers() });
    await send('PUT', `${service.commandUrl}/animes/1`, { title: 'One' });
  });
  afterEach(async () => {
    await service.end('SIGTERM');
    await dropDatabase(mongodb?.address ?? '', database);
    await directory.remove();
  });

  const JOBS = [['audit'], ['rebuild', 'status']] as const;

  it('work while a service owns DATA_DIR', async () => {
    const environment = { ...servers(), DATA_DIR: directory.path };
    for (const args of [...JOBS, ['dead-letters', 'list'], ['rebuild'], ['rebuild', 'promote']]) {
      const { code, errors } = await run(args, environment);
      expect({ code, errors }, args.join(' ')).to.deep.equal({ code: 0, errors: '' });
    }
  });

  it('need no DATA_DIR where the log is on a server', async () => {
    const elsewhere = {
      DATA_DIR: join(directory.path, 'none'),
      EVENTSTORE_URL: service.eventStoreUrl,
    };
    for (const args of JOBS) {
      const { code, errors } = await run(args, { ...servers(), ...elsewhere });
      expect({ code, errors }, args.join(' ')).to.deep.equal({ code: 0, errors: '' });
    }
    const refused = await run(['rebuild'], { ...servers(), ...elsewhere });
    expect(refused.errors).to.match(/^DATA_DIR: there is no directory/);
    expect(refused.code).to.equal(2);
  });
});
