import { expect } from 'chai';
import type { Expected } from '../../../src/embedded-eventstore/log/event-log.js';
import {
  metadataEvent,
  rawEvents,
  revisionsOf,
  temporaryLog,
  textOf,
  type TemporaryLog,
} from '../../support/event-log.js';

describe('metadata of streams in the event log', () => {
  let given: TemporaryLog;
  beforeEach(async () => {
    given = await temporaryLog();
  });
  afterEach(() => given.remove());

  const append = (stream: string, expected: Expected, count: number) =>
    given.log.append(stream, expected, rawEvents(count));
  const setMetadata = (stream: string, metadata: unknown) =>
    given.log.append(`$$${stream}`, 'any', [metadataEvent(metadata)]);
  const visible = (stream: string) =>
    revisionsOf(given.log.readStream(stream, 'start', 'forwards', 100));
  const metadataOf = (stream: string) => {
    const page = given.log.readStream(`$$${stream}`, 'start', 'forwards', 100);
    return page.kind === 'events' ? page.events.map(textOf) : page.kind;
  };

  describe('metadata', () => {
    it('hides all but the last $maxCount events', async () => {
      await append('s', 'no_stream', 5);
      await setMetadata('s', { $maxCount: 2 });
      expect(visible('s')).to.deep.equal([3n, 4n]);
      await append('s', 4n, 1);
      expect(visible('s')).to.deep.equal([4n, 5n]);
    });

    it('hides events older than $maxAge seconds', async () => {
      let now = 1_000_000;
      const aging = await temporaryLog({ now: () => now });
      await aging.log.append('s', 'no_stream', rawEvents(1));
      await aging.log.append('$$s', 'any', [metadataEvent({ $maxAge: 10 })]);
      now += 8_000;
      await aging.log.append('s', 0n, rawEvents(1));
      now += 4_000;
      expect(revisionsOf(aging.log.readStream('s', 'start', 'forwards', 9))).to.deep.equal([1n]);
      await aging.remove();
    });

    it('hides events before $tb', async () => {
      await append('s', 'no_stream', 4);
      await setMetadata('s', { $tb: 2 });
      expect(visible('s')).to.deep.equal([2n, 3n]);
      expect(revisionsOf(given.log.readStream('s', 'end', 'backwards', 100))).to.deep.equal([
        3n,
        2n,
      ]);
    });

    it('leaves hidden events visible in $all', async () => {
      await append('s', 'no_stream', 3);
      await setMetadata('s', { $maxCount: 1 });
      const all = given.log.readAll('start', 'forwards', 100);
      expect(all.map(({ stream }) => stream)).to.deep.equal(['s', 's', 's', '$$s']);
    });

    it('keeps only the latest and survives a restart', async () => {
      await append('s', 'no_stream', 3);
      await setMetadata('s', { $maxCount: 2, custom: 'kept' });
      await setMetadata('s', { $maxCount: 1, custom: 'kept' });
      await given.restart();
      expect(metadataOf('s')).to.deep.equal(['{"$maxCount":1,"custom":"kept"}']);
      expect(visible('s')).to.deep.equal([2n]);
    });

    for (const metadata of [{ $maxCount: 0 }, { $maxCount: '2' }, { $tb: -1 }, [1], 'text', null]) {
      it(`is ignored completely where it cannot be read: ${JSON.stringify(metadata)}`, async () => {
        await append('s', 'no_stream', 2);
        await setMetadata('s', metadata);
        expect(visible('s')).to.deep.equal([0n, 1n]);
      });
    }

    it('makes a stream without events exist', async () => {
      await setMetadata('s', { $maxCount: 5 });
      expect(given.log.head('s')).to.equal('no_stream');
      expect(await append('s', 'stream_exists', 1)).to.include({ kind: 'written', revision: 0n });
    });
  });
});
