import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { createLogger, type Logger } from '../../src/platform/observability/logger.js';
import { eventually } from '../support/eventually.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** What a logger writes to its directory, line by line. */
const written = async (write: (logger: Logger) => void, lines = 1) => {
  const { path, remove } = await temporaryDirectory();
  try {
    write(createLogger({ level: 'info', json: true, directory: path }));
    return await eventually(async () => {
      const files = (await readdir(path)).filter((name) => name.endsWith('.log'));
      expect(files).to.have.length(1);
      const text = await readFile(join(path, files[0] ?? ''), 'utf8');
      const found = text.trim().split('\n');
      expect(found).to.have.length(lines);
      return found.map((line) => JSON.parse(line) as Record<string, unknown>);
    });
  } finally {
    await remove();
  }
};

describe('logger', () => {
  it('does not read the data of a suppressed line', () => {
    const logger = createLogger({ level: 'info', json: true });
    const data = {
      get expensive(): never {
        return expect.fail('The data was read.');
      },
    };
    logger.debug('Not wanted', data);
    logger.child({ requestId: 'request-7' }).debug('Not wanted', data);
  });

  it('writes JSON lines to a daily file, with the data of the child logger in each', async () => {
    const [line] = await written((logger) => {
      logger.child({ requestId: 'r-1', correlationId: 'c-1' }).info('Told', { count: 7n });
    });
    expect(line).to.include({ level: 'info', message: 'Told', requestId: 'r-1', count: '7' });
    expect(line).to.have.property('correlationId', 'c-1');
    expect(line?.['timestamp']).to.match(/^\d{4}-/);
  });

  it('never writes a secret, wherever it is', async () => {
    const secret = 'hunter2';
    const cause = new Error(`connect mongodb://root:${secret}@db:27017 failed`);
    const [line] = await written((logger) => {
      logger.error('Failed', {
        password: secret,
        apiKey: secret,
        Authorization: `Bearer ${secret}`,
        nested: { saslPassword: secret, list: [`esdb://admin:${secret}@h:2113?tls=true`] },
        error: new Error('outer', { cause }),
      });
    });
    expect(JSON.stringify(line)).not.to.contain(secret);
    expect(line).to.have.nested.property('nested.list[0]', 'esdb://***@h:2113?tls=true');
    expect(line).to.have.nested.property('error.cause.message').that.contains('//***@db:27017');
  });
});
