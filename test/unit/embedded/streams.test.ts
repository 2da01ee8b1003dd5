import { expect } from 'chai';
import type { Expected } from '../../../src/embedded-eventstore/log/event-log.js';
import { rawEvent, rawEvents, temporaryLog, type TemporaryLog } from '../../support/event-log.js';

describe('names and ids in the event log', () => {
  let given: TemporaryLog;
  beforeEach(async () => {
    given = await temporaryLog();
  });
  afterEach(() => given.remove());

  const append = (stream: string, expected: Expected, count: number) =>
    given.log.append(stream, expected, rawEvents(count));
  for (const [what, stream] of [
    ['is empty', ''],
    ['holds NUL', 'a\0b'],
    ['is not well-formed', 'a\ud800'],
  ] as const) {
    it(`refuses a stream whose name ${what}`, async () => {
      const refusal = await append(stream, 'any', 1).catch((error: unknown) => error);
      expect(refusal).to.be.instanceOf(TypeError);
    });
  }

  it('refuses an id that is no UUID', async () => {
    const appending = given.log.append('s', 'any', [rawEvent({ id: 'one' })]);
    expect(await appending.catch((error: unknown) => error)).to.be.instanceOf(TypeError);
  });

  it('keeps names apart that look alike', async () => {
    const names = ['é', 'e\u0301', 'É', ' e', 'e ', 'a/b', '%', '_'];
    await Promise.all(names.map((name, n) => append(name, 'no_stream', n + 1)));
    await given.restart();
    expect(names.map((name) => given.log.head(name))).to.deep.equal(names.map((_, n) => BigInt(n)));
  });

  it('returns the revision of the stream for an empty append', async () => {
    await append('s', 'no_stream', 2);
    expect(await append('s', 'any', 0)).to.include({ kind: 'written', revision: 1n });
    expect(await append('none', 'any', 0)).to.include({ kind: 'written', revision: -1n });
    expect(given.log.head('none')).to.equal('no_stream');
  });
});
