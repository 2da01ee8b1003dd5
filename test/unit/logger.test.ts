import { expect } from 'chai';
import { createLogger } from '../../src/platform/logger.js';

describe('logger', () => {
  it('does not even look at data of a line that nobody wants', () => {
    const logger = createLogger({ level: 'info', json: true });
    const data = {
      get expensive(): never {
        return expect.fail('The data was read.');
      },
    };
    logger.debug('Not wanted', data);
    logger.child({ requestId: 'request-7' }).debug('Not wanted', data);
  });
});
