import { expect } from 'chai';
import { errorOf, errorOfStatus } from '../../../src/dashboard/data/errors.js';

describe('what the dashboard makes of an error', () => {
  it('takes a field that the service does not have for absent', () => {
    const message = 'Cannot query field "pipeline" on type "Query".';
    expect(errorOf([{ message }]).trouble).to.equal('absent');
  });

  it('asks for a key where one is needed', () => {
    const error = { message: 'An API key is required.', extensions: { code: 'UNAUTHENTICATED' } };
    expect(errorOf([error]).trouble).to.equal('key');
    expect(errorOfStatus(401, undefined).trouble).to.equal('key');
  });

  it('shows the sentence of any other error', () => {
    const message = 'The read store does not answer.';
    expect(errorOf([{ message }])).to.include({ trouble: 'failed', message });
    expect(errorOf([])).to.include({ trouble: 'failed', message: 'The query failed.' });
    expect(errorOfStatus(500, 'Internal error.')).to.include({ message: 'Internal error.' });
  });

  it('waits for a service that is starting', () => {
    for (const status of [502, 503, 504]) {
      expect(errorOfStatus(status, undefined).trouble).to.equal('starting');
    }
  });
});
