import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { DirectoryInUseError, lockDirectory } from '../../../src/embedded-eventstore/lock.js';
import { openEventLog } from '../../../src/embedded-eventstore/log/open-event-log.js';
import { openDatabase } from '../../../src/embedded-eventstore/sqlite.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import { rejectionOf } from '../../support/rejection-of.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';

const OWNER = fileURLToPath(new URL('../../support/hold-lock.js', import.meta.url));

const anotherOwner = async (directory: string, port: number) => {
  const child = spawn(process.execPath, [OWNER, directory, String(port)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return {
    pid: child.pid,
    kill: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
};

const refusalOf = (attempt: () => unknown): unknown => {
  try {
    attempt();
  } catch (error) {
    return error;
  }
  return expect.fail('The lock was given.');
};

describe('lock of a data directory', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  beforeEach(async () => {
    directory = await temporaryDirectory();
  });
  afterEach(() => directory.remove());

  it('refuses a second process and says who the first is and where it listens', async () => {
    const owner = await anotherOwner(directory.path, 2113);
    const opening = openEventLog({ directory: directory.path, logger: silentLogger() });
    const refusal = await rejectionOf(opening);
    expect(refusal).to.be.instanceOf(DirectoryInUseError);
    expect(refusal).to.have.deep.property('owner', { pid: owner.pid, port: 2113 });
    expect(refusal).to.have.property(
      'message',
      `The data directory ${directory.path} is in use by process ${owner.pid}, whose event store listens on port 2113.`,
    );
    await owner.kill();
  });

  it('is free once its owner is killed', async () => {
    const owner = await anotherOwner(directory.path, 2113);
    await owner.kill();
    lockDirectory(directory.path).release();
  });

  it('refuses a second owner in the same process', () => {
    const lock = lockDirectory(directory.path);
    const refusal = refusalOf(() => lockDirectory(directory.path));
    expect(refusal).to.have.deep.property('owner', { pid: process.pid, port: null });
    lock.release();
    lockDirectory(directory.path).release();
  });

  it('is released when a log is closed, and when it cannot be opened', async () => {
    const log = await openEventLog({ directory: directory.path, logger: silentLogger() });
    await log.close();

    const db = openDatabase(`${directory.path}/events.db`);
    db.exec('PRAGMA user_version = 1000');
    db.close();
    const opening = openEventLog({ directory: directory.path, logger: silentLogger() });
    expect(await rejectionOf(opening))
      .to.have.property('message')
      .that.matches(/newer version of this service \(1000\)/);
    lockDirectory(directory.path).release();
  });

  it('leaves a file unchanged that is not an event log', async () => {
    const db = openDatabase(`${directory.path}/events.db`);
    db.exec('CREATE TABLE something (of_others)');
    db.close();
    const opening = openEventLog({ directory: directory.path, logger: silentLogger() });
    expect(await rejectionOf(opening))
      .to.have.property('message')
      .that.matches(/not an event log/);
  });
});
