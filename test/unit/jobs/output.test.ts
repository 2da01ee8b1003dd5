import { expect } from 'chai';
import { createJobOutput } from '../../../src/jobs/output.js';

const telling = (json: boolean) => {
  const written = { stdout: '', stderr: '' };
  const stdout = { write: (text: string) => (written.stdout += text) };
  const stderr = { isTTY: true, write: (text: string) => (written.stderr += text) };
  return { written, output: createJobOutput({ command: 'audit', json, stdout, stderr }) };
};

describe('the output of a job', () => {
  it('is text on standard output, without the JSON result', () => {
    const { written, output } = telling(false);
    output.print('v1 equals the log.');
    output.report({ equal: true });
    output.finish({ ok: true });
    expect(written).to.deep.equal({ stdout: 'v1 equals the log.\n', stderr: '' });
  });

  it('is one JSON document with --json, with text on standard error', () => {
    const { written, output } = telling(true);
    output.print('v1 equals the log.');
    output.report({ position: 2n ** 60n });
    output.finish({ ok: true });
    expect(written).to.deep.equal({
      stdout: '{"command":"audit","ok":true,"position":"1152921504606846976"}\n',
      stderr: 'v1 equals the log.\n',
    });
  });

  for (const [what, error, message] of [
    ['what was printed last where a job has no result', undefined, 'There is no version v9.'],
    ['the error of a job that failed', 'The store is away.', 'The store is away.'],
  ] as const) {
    it(`holds ${what}`, () => {
      const { written, output } = telling(true);
      output.print('There is no version v9.');
      output.finish({ ok: false, ...(error === undefined ? {} : { error }) });
      expect(JSON.parse(written.stdout)).to.deep.equal({ command: 'audit', ok: false, message });
    });
  }

  it('clears the progress line before other text', () => {
    const { written, output } = telling(false);
    output.progress({ task: 'audit', done: 1, total: 2, unit: 'anime' });
    output.print('done');
    expect(written.stderr).to.match(/audit: 50 %, 1 of 2 anime\r\u001b\[K$/);
  });
});
