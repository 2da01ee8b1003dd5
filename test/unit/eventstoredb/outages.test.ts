import { expect } from 'chai';
import { createOutages } from '../../../src/adapters/eventstoredb/connection.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import { OutcomeUnknownError, UnavailableError, TooLargeError } from '../../../src/ports/errors.js';

describe('outages of the event store', () => {
  const opened = () => {
    const lines: [string, unknown][] = [];
    let now = 0;
    const note = (message: string, data: unknown) => void lines.push([message, data]);
    const logger = { ...silentLogger(), info: note, warn: note };
    const outages = createOutages(logger, () => now);
    return {
      outages,
      lines,
      messages: () => lines.map(([message]) => message),
      at: (ms: number) => (now = ms),
    };
  };
  const gone = new UnavailableError('The event store cannot be reached.', {
    context: { details: 'ECONNREFUSED 127.0.0.1:2113' },
  });
  const lost = new OutcomeUnknownError('The answer was lost.');

  it('are logged once when they begin and once when they end, whatever notices them', () => {
    const { outages, lines, at } = opened();
    outages.failed('read', gone);
    for (let append = 0; append < 500; append += 1) outages.failed('append', lost);
    outages.failed('subscription', gone);
    at(8_240);
    outages.answered('append');
    outages.answered('read');
    const why = 'The event store cannot be reached. ECONNREFUSED 127.0.0.1:2113';
    expect(lines).to.deep.equal([
      ['The event store is not responding', { asked: 'read', why }],
      ['The event store is responding again', { afterSeconds: 8.2, appendsFailed: 500 }],
    ]);
  });

  it('are logged again when they recur', () => {
    const { outages, messages } = opened();
    for (let outage = 0; outage < 8; outage += 1) {
      outages.failed('append', lost);
      outages.answered('append');
    }
    expect(messages()).to.have.length(16);
  });

  it('of the leader do not end because a follower serves a subscription', () => {
    const { outages, messages } = opened();
    outages.failed('append', gone);
    outages.answered('subscription');
    outages.failed('append', gone);
    expect(messages()).to.have.length(1);
    outages.answered('append');
    expect(messages()).to.have.length(2);
  });

  it('do not include refusals or bugs', () => {
    const { outages, messages } = opened();
    outages.failed('append', new TooLargeError('Too large.'));
    outages.failed('read', new TypeError('A bug.'));
    expect(messages()).to.deep.equal([]);
  });
});
