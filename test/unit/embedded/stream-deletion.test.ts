import { expect } from 'chai';
import {
  TOMBSTONE_REVISION,
  type Expected,
} from '../../../src/embedded-eventstore/log/event-log.js';
import {
  metadataEvent,
  rawEvents,
  revisionsOf,
  temporaryLog,
  textOf,
  type TemporaryLog,
} from '../../support/event-log.js';

describe('deletion of streams in the event log', () => {
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

  describe('soft deletion', () => {
    it('hides the stream and keeps its events in $all', async () => {
      await append('s', 'no_stream', 2);
      expect(await given.log.softDelete('s', 1n)).to.include({ kind: 'written' });
      expect(visible('s')).to.equal('missing');
      expect(given.log.head('s')).to.equal('no_stream');
      expect(given.log.readAll('start', 'forwards', 100)).to.have.lengthOf(3);
    });

    it('is undone by an append, which continues the revisions', async () => {
      await append('s', 'no_stream', 2);
      await setMetadata('s', { custom: 'dropped by the deletion' });
      await given.log.softDelete('s', 'any');
      await given.restart();
      expect(await append('s', 'no_stream', 2)).to.include({ kind: 'written', revision: 3n });
      expect(visible('s')).to.deep.equal([2n, 3n]);
      expect(metadataOf('s')).to.deep.equal(['{"$tb":2}']);
    });

    it('is undone by metadata, which keeps custom keys', async () => {
      await append('s', 'no_stream', 2);
      await given.log.softDelete('s', 'any');
      await setMetadata('s', { $maxCount: 5, custom: 'kept' });
      expect(metadataOf('s')).to.deep.equal(['{"$maxCount":5,"custom":"kept","$tb":2}']);
      await append('s', 1n, 1);
      expect(visible('s')).to.deep.equal([2n]);
    });

    it('returns for an append the position of the last event, not of the metadata', async () => {
      await append('s', 'no_stream', 1);
      await given.log.softDelete('s', 'any');
      const outcome = await append('s', 'no_stream', 2);
      const page = given.log.readStream('s', 'end', 'backwards', 1);
      expect(outcome).to.have.property(
        'position',
        page.kind === 'events' ? page.events[0]?.position : undefined,
      );
    });

    it('may be repeated, and needs something to delete', async () => {
      await append('s', 'no_stream', 1);
      expect(await given.log.softDelete('s', 'any')).to.include({ kind: 'written' });
      expect(await given.log.softDelete('s', 'any')).to.include({ kind: 'written' });
      expect(await given.log.softDelete('never', 'any')).to.deep.equal({
        kind: 'wrong-revision',
        actual: 'no_stream',
      });
      expect(await given.log.softDelete('s', 7n)).to.deep.equal({
        kind: 'wrong-revision',
        actual: 0n,
      });
    });

    it('applies to appends made while it is in flight', async () => {
      await append('s', 'no_stream', 2);
      const [, late, again] = await Promise.all([
        given.log.softDelete('s', 'any'),
        append('s', 'stream_exists', 1),
        append('s', 'no_stream', 1),
      ]);
      expect(late).to.deep.equal({ kind: 'deleted' });
      expect(again).to.include({ kind: 'written', revision: 2n });
      expect(visible('s')).to.deep.equal([2n]);
    });
  });

  describe('a tombstone', () => {
    it('ends the stream and its metadata for ever', async () => {
      await append('s', 'no_stream', 2);
      expect(await given.log.tombstone('s', 1n)).to.include({ revision: TOMBSTONE_REVISION });
      await given.restart();
      for (const expected of ['any', 'no_stream', 'stream_exists', 1n] as const) {
        expect(await append('s', expected, 1)).to.deep.equal({ kind: 'deleted' });
      }
      expect(await setMetadata('s', {})).to.deep.equal({ kind: 'deleted' });
      expect(await given.log.tombstone('s', 'any')).to.deep.equal({ kind: 'deleted' });
      expect([visible('s'), visible('$$s'), given.log.head('s')]).to.deep.equal([
        'deleted',
        'deleted',
        TOMBSTONE_REVISION,
      ]);
    });

    it('is an event of $all, behind all revisions', async () => {
      await given.log.tombstone('s', 'any');
      const [event] = given.log.readAll('start', 'forwards', 10);
      expect(event).to.include({ type: '$streamDeleted', revision: TOMBSTONE_REVISION });
    });

    it('refuses another revision', async () => {
      await append('s', 'no_stream', 2);
      expect(await given.log.tombstone('s', 0n)).to.deep.equal({
        kind: 'wrong-revision',
        actual: 1n,
      });
      expect(visible('s')).to.deep.equal([0n, 1n]);
    });
  });
});
