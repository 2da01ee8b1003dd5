import { expect } from 'chai';
import { startServiceProcess } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

describe('a service that is told to stop by SIGHUP', function () {
  this.timeout(60_000);

  it('drains and exits with 0, and SIGUSR1 before opened no inspector in production', async () => {
    const directory = await temporaryDirectory();
    const environment = { NODE_ENV: 'production' };
    const service = await startServiceProcess({ dataDir: directory.path, environment });
    try {
      process.kill(service.pid, 'SIGUSR1');
      expect((await fetch(`${service.commandUrl}/live`)).status).to.equal(200);
      const inspector = await fetch('http://127.0.0.1:9229/json').catch(() => 'refused');
      expect(inspector).to.equal('refused');
      expect(await service.end('SIGHUP')).to.equal(0);
    } finally {
      await service.end('SIGKILL');
      await directory.remove();
    }
  });
});
