import { join } from 'node:path';
import { expect } from 'chai';
import { EventLogError, type EventLog } from '../../../src/embedded-eventstore/log/event-log.js';
import { openDatabase } from '../../../src/embedded-eventstore/sqlite.js';
import { eventually } from '../../support/eventually.js';
import {
  metadataEvent,
  rawEvent,
  rawEvents,
  revisionsOf,
  temporaryLog,
  textOf,
  type TemporaryLog,
} from '../../support/event-log.js';
import { follow } from '../../support/follow-items.js';
import { allLinks, linkTargets, wholeLog } from '../../support/links.js';
import { rejectionOf } from '../../support/rejection-of.js';

const MINUTE = 60_000;
const TOMBSTONE = 2n ** 63n - 1n;

describe('link streams of the event log', () => {
  let given: TemporaryLog;
  let log: EventLog;
  let now: number;

  beforeEach(async () => {
    now = 1_000_000;
    given = await temporaryLog({
      scavenge: { everyMs: 5, minAgeMs: MINUTE },
      now: () => now,
    });
    log = given.log;
  });
  afterEach(() => given.remove());

  const append = (stream: string, ...types: string[]) =>
    log.append(
      stream,
      'any',
      types.map((type) => rawEvent({ type })),
    );

  describe('of a category', () => {
    it('link every event of its streams, in the order of the log', async () => {
      await append('cart-1', 'A');
      await append('cart-2', 'A', 'B');
      await append('order-1', 'A');
      await append('cart-1', 'B');
      expect(await linkTargets(log, '$ce-cart')).to.deep.equal([
        ...['0@cart-1', '0@cart-2', '1@cart-2', '1@cart-1'],
      ]);
      expect(await linkTargets(log, '$ce-order')).to.deep.equal(['0@order-1']);
    });

    it('end at the first dash of a name', async () => {
      for (const stream of ['a-b-c', 'a-', '-a', 'nodash', 'a_b-1']) await append(stream, 'A');
      expect(await linkTargets(log, '$ce-a')).to.deep.equal(['0@a-b-c', '0@a-']);
      expect(await linkTargets(log, '$ce-a_b')).to.deep.equal(['0@a_b-1']);
      for (const none of ['$ce-', '$ce-nodash', '$ce-a-b']) {
        expect(log.readStream(none, 'start', 'forwards', 1).kind).to.equal('missing');
      }
    });

    it('leave out system streams and metadata', async () => {
      await append('$sys-1', 'A');
      await append('cart-1', 'A');
      await log.append('$$cart-1', 'any', [metadataEvent({ $maxCount: 5 })]);
      await log.append('$$$sys-1', 'any', [metadataEvent({ $maxCount: 5 })]);
      expect(await linkTargets(log, '$ce-cart')).to.deep.equal(['0@cart-1']);
      expect(await linkTargets(log, '$ce-$sys')).to.deep.equal([]);
    });

    it('link the events that delete their streams', async () => {
      await append('cart-1', 'A');
      await append('cart-2', 'A');
      await log.softDelete('cart-1', 'any');
      await log.tombstone('cart-2', 'any');
      await append('cart-1', 'B');
      const links = await allLinks(log, '$ce-cart');
      expect(links.map(textOf)).to.deep.equal([
        ...['0@cart-1', '0@cart-2', '0@$$cart-1', `${TOMBSTONE}@cart-2`, '1@cart-1'],
      ]);
      const metadata = links.map(
        (link) => JSON.parse(Buffer.from(link.metadata).toString()) as object,
      );
      expect(metadata.map((one) => '$deleted' in one)).to.deep.equal([
        ...[false, false, true, true, false],
      ]);
      expect(metadata[2]).to.include({ $o: 'cart-1', $p: Number(links[2]?.position) });
    });

    it('resolve links in their streams', async () => {
      const link = (target: string) => rawEvent({ type: '$>', data: Buffer.from(target) });
      const long = link('x'.repeat(10_000));
      await log.append('list-1', 'any', [link('7@cart-1'), link('no link'), link(''), long]);
      expect(await linkTargets(log, '$ce-list')).to.deep.equal([
        ...['7@cart-1', 'no link', '2@list-1', '3@list-1'],
      ]);
    });
  });

  describe('of an event type', () => {
    it('link every event of the type, whatever its stream is called', async () => {
      await append('cart-1', 'A', 'B');
      await append('nodash', 'B');
      expect(await linkTargets(log, '$et-A')).to.deep.equal(['0@cart-1']);
      expect(await linkTargets(log, '$et-B')).to.deep.equal(['1@cart-1', '0@nodash']);
    });

    it('leave out system streams and links', async () => {
      await append('$sys-1', 'A');
      await append('cart-1', '$>');
      expect(await linkTargets(log, '$et-A')).to.deep.equal([]);
      expect(await linkTargets(log, '$et-$>')).to.deep.equal([]);
    });

    it('name the stream of metadata, and keep deletions apart', async () => {
      await append('cart-1', 'A');
      await log.append('$$cart-1', 'any', [metadataEvent({ $maxCount: 5 })]);
      await log.softDelete('cart-1', 'any');
      await log.tombstone('cart-2', 'any');
      expect(await linkTargets(log, '$et-$metadata')).to.deep.equal(['0@cart-1']);
      expect(await linkTargets(log, '$et-$deleted')).to.deep.equal([
        ...['1@cart-1', `${TOMBSTONE}@cart-2`],
      ]);
      expect(await linkTargets(log, '$et-$streamDeleted')).to.deep.equal([]);
    });
  });

  describe('read', () => {
    const read = (
      ...args: Parameters<EventLog['readStream']> extends [string, ...infer R] ? R : []
    ) => log.readStream('$ce-cart', ...args);

    beforeEach(async () => {
      await append('cart-1', 'A', 'A', 'A');
      await append('other', 'A');
      await append('cart-2', 'A', 'A');
      await log.indexLinks();
    });

    it('forwards and backwards, from where they are asked to', () => {
      expect(revisionsOf(read('start', 'forwards', 9))).to.deep.equal([0n, 1n, 2n, 3n, 4n]);
      expect(revisionsOf(read(3n, 'forwards', 9))).to.deep.equal([3n, 4n]);
      expect(revisionsOf(read(1n, 'forwards', 2))).to.deep.equal([1n, 2n]);
      expect(revisionsOf(read('end', 'backwards', 2))).to.deep.equal([4n, 3n]);
      expect(revisionsOf(read(1n, 'backwards', 9))).to.deep.equal([1n, 0n]);
      expect(revisionsOf(read(99n, 'forwards', 9))).to.deep.equal([]);
    });

    it('report their end, and whether it was reached', () => {
      expect(read('start', 'forwards', 2)).to.include({ endReached: false, last: 4n });
      expect(read(3n, 'forwards', 2)).to.include({ endReached: true, firstVisible: 0n });
      expect(read(1n, 'backwards', 2)).to.include({ endReached: true });
    });

    it('are link events at the position of their target', () => {
      const page = read(3n, 'forwards', 1);
      const [link] = page.kind === 'events' ? page.events : [];
      const target = wholeLog(log).find(
        ({ stream, revision }) => `${revision}@${stream}` === '0@cart-2',
      );
      expect(link).to.include({ stream: '$ce-cart', revision: 3n, type: '$>', isJson: false });
      expect(link?.position).to.equal(target?.position);
      expect(link?.created).to.equal(target?.created);
    });

    it('have the same ids whenever they are read', async () => {
      const before = (await allLinks(log, '$ce-cart')).map(({ id }) => id);
      log = await given.restart();
      const after = (await allLinks(log, '$ce-cart', 2)).map(({ id }) => id);
      expect(new Set(before).size).to.equal(5);
      expect(after).to.deep.equal(before);
    });
  });

  describe('with the scavenger', () => {
    const rowsOf = (revision: bigint, stream: string): number =>
      wholeLog(log).filter((one) => one.stream === stream && one.revision === revision).length;

    it('keep their numbers when targets are deleted', async () => {
      await append('cart-1', 'A', 'A', 'A');
      await append('cart-2', 'A');
      const before = await allLinks(log, '$ce-cart');
      await log.append('$$cart-1', 'any', [metadataEvent({ $maxCount: 1 })]);
      now += MINUTE + 1;
      await eventually(() => expect(rowsOf(0n, 'cart-1')).to.equal(0));
      expect(await allLinks(log, '$ce-cart')).to.deep.equal(before);
      await append('cart-1', 'A');
      expect((await linkTargets(log, '$ce-cart')).slice(3)).to.deep.equal(['0@cart-2', '3@cart-1']);
    });

    it('number every event before it is deleted, even without a reader', async () => {
      await append('cart-1', 'A');
      await allLinks(log, '$ce-cart');
      await log.append('$$cart-1', 'any', [metadataEvent({ $maxCount: 1 })]);
      await append('cart-1', 'A', 'A', 'A');
      now += MINUTE + 1;
      await eventually(() => expect(rowsOf(2n, 'cart-1')).to.equal(0));
      log = await given.restart();
      expect(await linkTargets(log, '$ce-cart')).to.deep.equal([
        ...['0@cart-1', '1@cart-1', '2@cart-1', '3@cart-1'],
      ]);
    });
  });

  describe('subscribed to', () => {
    const followCarts = (after: bigint | 'start' | 'end') =>
      follow((signal) => log.subscribeStream({ stream: '$ce-cart', after, signal }));
    const links = (...numbers: number[]) => numbers.map((number) => `$ce-cart@${number}`);

    it('deliver history, caught-up, and live events', async () => {
      await append('cart-1', 'A', 'A');
      const one = followCarts('start');
      await one.until(...links(0, 1), 'caught-up');
      await append('other', 'A');
      await append('cart-2', 'A');
      await one.until(...links(0, 1), 'caught-up', ...links(2));
      await one.stop();
    });

    it('begin after a link, or at the end', async () => {
      await append('cart-1', 'A', 'A', 'A');
      const after = followCarts(0n);
      const end = followCarts('end');
      await after.until(...links(1, 2), 'caught-up');
      await end.until('caught-up');
      await append('cart-1', 'A');
      await after.until(...links(1, 2), 'caught-up', ...links(3));
      await end.until('caught-up', ...links(3));
      await Promise.all([after.stop(), end.stop()]);
    });

    it('wait for a category that has no stream yet', async () => {
      const one = followCarts('start');
      await one.until('caught-up');
      await append('cart-1', 'A');
      await one.until('caught-up', ...links(0));
      await one.stop();
    });

    it('deliver each link once and in order while many append', async () => {
      const several = ['start', 'start', 'end'] as const;
      const followed = several.map(followCarts);
      await Promise.all(followed.map((one) => one.until('caught-up')));
      const writers = Array.from({ length: 8 }, async (_, n) => {
        for (let round = 0; round < 40; round += 1) await append(`cart-${n}`, 'A', 'B');
      });
      await Promise.all(writers);
      const all = links(...Array.from({ length: 640 }, (_, n) => n));
      await Promise.all(followed.map((one) => one.until('caught-up', ...all)));
      await Promise.all(followed.map((one) => one.stop()));
    });

    it('end with the log', async () => {
      const one = followCarts('start');
      await one.until('caught-up');
      log = await given.restart();
      await one.ended;
    });
  });

  it('are complete after an upgrade of a log without them', async () => {
    await append('cart-1', ...Array.from({ length: 1300 }, () => 'A'));
    await log.close();
    const db = openDatabase(join(given.directory, 'events.db'));
    db.exec(`DROP TABLE links; DROP TABLE link_streams; DROP TABLE links_reached;
      DROP TABLE projections; DROP TABLE projection_states; DROP TABLE projection_streams;
      DROP TABLE projection_runs_left;
      PRAGMA user_version = 1`);
    db.close();
    log = await given.restart();
    expect(await allLinks(log, '$ce-cart')).to.have.lengthOf(1300);
  });

  it('report why they cannot be read, while appends continue', async () => {
    await append('cart-1', 'A');
    const db = openDatabase(join(given.directory, 'events.db'));
    db.exec('ALTER TABLE links RENAME TO elsewhere');
    const error = await rejectionOf(log.indexLinks());
    expect(error).to.be.instanceOf(EventLogError).and.include({ code: 'failed' });
    expect(await log.append('cart-1', 0n, rawEvents(1))).to.include({ revision: 1n });
    db.exec('ALTER TABLE elsewhere RENAME TO links');
    db.close();
    expect(await linkTargets(log, '$ce-cart')).to.deep.equal(['0@cart-1', '1@cart-1']);
  });

  for (const stream of ['$ce-cart', '$et-A', '$$$ce-cart', '$$$et-A']) {
    it(`reject writes (${stream})`, async () => {
      const writes = [
        log.append(stream, 'any', rawEvents(1)),
        log.softDelete(stream, 'any'),
        log.tombstone(stream, 'any'),
      ];
      for (const write of writes) expect(await rejectionOf(write)).to.be.instanceOf(TypeError);
    });
  }
});
