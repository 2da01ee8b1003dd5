import { execFile } from 'node:child_process';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { ALERT_RULES, ALERT_TESTS } from '../support/alert-rules.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const run = promisify(execFile);
const promtool = async (...args: string[]): Promise<string> => {
  const { stdout, stderr } = await run('promtool', args);
  return stdout + stderr;
};

describe('promtool', function () {
  this.timeout(60_000);

  before(async function () {
    try {
      await promtool('--version');
    } catch (error) {
      const required = (process.env['REQUIRE_STACK'] ?? '').split(',').includes('promtool');
      if (required) throw error;
      process.stdout.write(
        '      skipped: there is no promtool (Debian: apt install prometheus)\n',
      );
      this.skip();
    }
  });

  it('accepts the rules of the alarms', async () => {
    expect(await promtool('check', 'rules', ALERT_RULES)).to.match(/SUCCESS: \d+ rules found/);
  });

  it('sees each alarm raised by its example, and none without a fault', async () => {
    expect(await promtool('test', 'rules', ALERT_TESTS)).to.contain('SUCCESS');
  });

  it('sees an example fail where a rule no longer notices the fault', async () => {
    const folder = await temporaryDirectory();
    try {
      const rules = await readFile(ALERT_RULES, 'utf8');
      const deaf = rules.replace('bridge_lag_seconds) > 30', 'bridge_lag_seconds) > 3000');
      expect(deaf).to.not.equal(rules);
      await writeFile(join(folder.path, 'alerts.yaml'), deaf);
      const tests = join(folder.path, 'alerts.test.yaml');
      await copyFile(ALERT_TESTS, tests);
      const outcome = await promtool('test', 'rules', tests).catch(String);
      expect(outcome).to.contain('alertname="BridgeLag"');
    } finally {
      await folder.remove();
    }
  });

  it("accepts Prometheus' configuration", async () => {
    const folder = await temporaryDirectory();
    try {
      const key = join(folder.path, 'key');
      await writeFile(key, 'none');
      const text = await readFile('docker/prometheus/prometheus.yaml', 'utf8');
      const config = join(folder.path, 'prometheus.yaml');
      const here = text.replace('/tmp/metrics-key', key).replace('/etc/prometheus/', '');
      await writeFile(config, here);
      await copyFile(ALERT_RULES, join(folder.path, 'alerts.yaml'));
      expect(await promtool('check', 'config', config)).to.contain('is valid prometheus config');
    } finally {
      await folder.remove();
    }
  });
});
