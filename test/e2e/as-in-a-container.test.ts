import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { send } from '../support/http-client.js';
import { startServiceProcess, type ServiceProcess } from '../support/service-process.js';

/** What is mounted there must not hide the code of the service. */
const WRITABLE = ['/tmp', '/mnt', '/srv', '/media'].find(
  (path) => existsSync(path) && !process.cwd().startsWith(`${path}/`),
);

/** As the image runs: the first process, an ordinary user, one place to write to. */
const ISOLATE = 'unshare --pid --fork --kill-child --mount --mount-proc sh -c';
const PREPARE = `mount -o remount,bind,ro / && mount -t tmpfs tmpfs ${WRITABLE} && install -d -o 1000 -g 1000 ${WRITABLE}/data`;
const AS_USER = 'exec setpriv --reuid=1000 --regid=1000 --clear-groups --inh-caps=-all';

describe('the service as the first process of a read-only container, without rights', function () {
  this.timeout(60_000);

  let service: ServiceProcess | undefined;

  before(async function () {
    const { status, stderr } = spawnSync('sh', [
      '-c',
      `${ISOLATE} '${PREPARE} && ${AS_USER} true'`,
    ]);
    if (status !== 0) {
      process.stdout.write(`      skipped: nothing can be isolated here: ${String(stderr)}\n`);
      this.skip();
    }
    service = await startServiceProcess({
      dataDir: `${WRITABLE}/data`,
      environment: { RATE_LIMIT_PER_MINUTE: '0' },
      shell: `exec ${ISOLATE} '${PREPARE} && ${AS_USER} "$@"' sh "$@"`,
    });
  });
  after(() => service?.end('SIGKILL'));

  it('serves, and ends with 0 after SIGTERM', async () => {
    const running = service ?? expect.fail('The service does not run.');
    const { commandUrl, pid } = running;
    const listed = await send('PUT', `${commandUrl}/animes/1`, { title: 'Akira' });
    expect(listed.status).to.equal(201);
    const first = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'));
    const status = readFileSync(`/proc/${first}/status`, 'utf8');
    expect(status)
      .to.match(/^NSpid:\t\d+\t1$/m)
      .and.to.match(/^Uid:\t1000\t/m);
    expect(status).to.match(/^CapEff:\t0+$/m);
    process.kill(first, 'SIGTERM');
    expect(await running.end('SIGTERM')).to.equal(0);
  });
});
