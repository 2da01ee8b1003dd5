import { expect } from 'chai';
import { createOutage } from '../../src/platform/async/outage.js';
import { UnavailableError } from '../../src/ports/errors.js';
import { recordingLogger } from '../support/recording-logger.js';

describe('an outage', () => {
  const opened = () => {
    const recorded = recordingLogger();
    let now = 1_000;
    const outage = createOutage({
      logger: recorded.logger,
      begun: 'The bus is gone',
      ended: 'The bus is back',
      monotonic: () => now,
    });
    return { ...recorded, outage, passes: (ms: number) => void (now += ms) };
  };
  const gone = new UnavailableError('The bus cannot be reached.', {
    context: { details: 'ECONNREFUSED 127.0.0.1:9092' },
  });

  it('is logged when it begins and when it ends, and not between', () => {
    const { outage, told, passes } = opened();
    for (let attempt = 0; attempt < 100; attempt += 1) outage.failed(gone, { attempt });
    expect(told()).to.deep.equal(['warn The bus is gone']);
    passes(8_240);
    outage.over();
    outage.over();
    expect(told()).to.deep.equal(['warn The bus is gone', 'info The bus is back']);
  });

  it('is logged with its reason and no stack, and at its end with duration and count', () => {
    const { outage, lines, passes } = opened();
    outage.failed(gone, { records: 3 });
    passes(1_000);
    outage.failed(gone);
    passes(7_240);
    outage.over();
    const reason = 'The bus cannot be reached. ECONNREFUSED 127.0.0.1:9092';
    expect(lines).to.deep.equal([
      { level: 'warn', message: 'The bus is gone', data: { records: 3, reason } },
      { level: 'debug', message: 'The bus is gone', data: { failures: 2, error: gone } },
      { level: 'info', message: 'The bus is back', data: { afterSeconds: 8.2, failures: 2 } },
    ]);
  });

  it('is logged again when it recurs', () => {
    const { outage, told, lines } = opened();
    for (let again = 0; again < 2; again += 1) {
      outage.failed(gone);
      outage.over();
    }
    expect(told()).to.have.length(4);
    expect(lines.at(-1)?.data).to.include({ failures: 1 });
  });

  it('has no end where it did not begin', () => {
    const { outage, lines } = opened();
    outage.over();
    expect(lines).to.deep.equal([]);
  });

  it('is logged once with its stack where it is not a server failure', () => {
    const { outage, lines, told } = opened();
    const bug = new TypeError('undefined is no function.');
    outage.failed(bug);
    outage.failed(bug);
    expect(lines[0]?.data).to.deep.equal({ reason: bug.message, error: bug });
    expect(told()).to.have.length(1);
  });
});
