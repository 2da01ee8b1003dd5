import { expect } from 'chai';
import type { EventLog } from '../../../src/embedded-eventstore/log/event-log.js';
import { eventually } from '../../support/eventually.js';
import {
  metadataEvent,
  rawEvent,
  temporaryLog,
  textOf,
  type TemporaryLog,
} from '../../support/event-log.js';
import { allLinks, linkTargets, wholeLog } from '../../support/links.js';
import { rejectionOf } from '../../support/rejection-of.js';

const MINUTE = 60_000;

describe('optional link streams of the event log', () => {
  let given: TemporaryLog;
  let log: EventLog;
  let now: number;

  beforeEach(async () => {
    now = 1_000_000;
    given = await temporaryLog({ scavenge: { everyMs: 5, minAgeMs: MINUTE }, now: () => now });
    log = given.log;
  });
  afterEach(() => given.remove());

  const append = (stream: string, metadata: unknown = {}) =>
    log.append(stream, 'any', [
      rawEvent({ type: 'A', metadata: Buffer.from(JSON.stringify(metadata)) }),
    ]);

  const isOn = (name: string) => log.optionalLinks().get(name);

  it('are off in a new log, and do not exist', async () => {
    await append('cart-1', { $correlationId: 'one' });
    expect([...log.optionalLinks()]).to.deep.equal([
      ['$streams', false],
      ['$stream_by_category', false],
      ['$by_correlation_id', false],
    ]);
    for (const stream of ['$streams', '$category-cart', '$bc-one']) {
      expect(await linkTargets(log, stream)).to.deep.equal([]);
    }
  });

  it('name the first event of each stream in $streams', async () => {
    await append('cart-1');
    await append('cart-1');
    await log.turnLinks('$streams', true);
    await append('nodash');
    await append('$system-1');
    await log.append('$$cart-1', 'any', [metadataEvent({ $maxCount: 5 })]);
    expect(await linkTargets(log, '$streams')).to.deep.equal([
      ...['0@cart-1', '0@nodash', '0@$$cart-1'],
    ]);
  });

  it('name each stream of a category in $category-', async () => {
    await append('cart-1');
    await append('cart-2');
    await append('cart-1');
    await append('nodash');
    await log.turnLinks('$stream_by_category', true);
    const links = await allLinks(log, '$category-cart');
    expect(links.map(textOf)).to.deep.equal(['cart-1', 'cart-2']);
    expect(links.map(({ type }) => type)).to.deep.equal(['$@', '$@']);
  });

  it('link events of one correlation id in $bc-, whatever their streams', async () => {
    await log.turnLinks('$by_correlation_id', true);
    await append('cart-1', { $correlationId: 'one' });
    await append('order-1', { $correlationId: 'two' });
    await append('order-2', { $correlationId: 'one' });
    await append('order-3', { $correlationId: 7 });
    await append('order-4', 'about $correlationId');
    await append('$system-1', { $correlationId: 'one' });
    await log.append('cart-1', 'any', [
      rawEvent({ type: 'A', metadata: Buffer.from('{"$correlationId') }),
      rawEvent({ type: '$>', metadata: Buffer.from('{"$correlationId":"one"}') }),
    ]);
    expect(await linkTargets(log, '$bc-one')).to.deep.equal(['0@cart-1', '0@order-2']);
    expect(await linkTargets(log, '$bc-two')).to.deep.equal(['0@order-1']);
  });

  it('begin at the beginning of the log, even when other links are far ahead', async () => {
    for (let n = 0; n < 1200; n += 1) void append(`cart-${n % 40}`);
    await append('cart-40');
    expect(await allLinks(log, '$ce-cart')).to.have.lengthOf(1201);
    await log.turnLinks('$streams', true);
    expect(await allLinks(log, '$streams')).to.have.lengthOf(41);
    await append('cart-41');
    expect(await allLinks(log, '$streams')).to.have.lengthOf(42);
    expect(await allLinks(log, '$ce-cart')).to.have.lengthOf(1202);
  });

  it('stay on or off over a restart', async () => {
    await log.turnLinks('$streams', true);
    await log.turnLinks('$by_correlation_id', true);
    await log.turnLinks('$by_correlation_id', false);
    await append('cart-1', { $correlationId: 'one' });
    log = await given.restart();
    expect([isOn('$streams'), isOn('$by_correlation_id')]).to.deep.equal([true, false]);
    expect(await linkTargets(log, '$streams')).to.deep.equal(['0@cart-1']);
    expect(await linkTargets(log, '$bc-one')).to.deep.equal([]);
  });

  it('keep their links while they are off, and go on where they were turned off', async () => {
    await log.turnLinks('$streams', true);
    await append('cart-1');
    const before = await allLinks(log, '$streams');
    await log.turnLinks('$streams', false);
    await append('cart-2');
    expect(await allLinks(log, '$streams')).to.deep.equal(before);
    await log.turnLinks('$streams', true);
    expect(await linkTargets(log, '$streams')).to.deep.equal(['0@cart-1', '0@cart-2']);
  });

  it('number every event before it is deleted, even without a reader', async () => {
    await log.turnLinks('$by_correlation_id', true);
    await log.append('$$cart-1', 'any', [metadataEvent({ $maxCount: 1 })]);
    for (const id of ['a', 'a', 'b', 'b']) await append('cart-1', { $correlationId: id });
    now += MINUTE + 1;
    await eventually(() => {
      expect(wholeLog(log).filter(({ stream }) => stream === 'cart-1')).to.have.lengthOf(1);
    });
    expect(await linkTargets(log, '$bc-a')).to.deep.equal(['0@cart-1', '1@cart-1']);
  });

  it('refuse to turn links that are always there, or that nobody knows', async () => {
    for (const name of ['$by_category', 'carts']) {
      expect(await rejectionOf(log.turnLinks(name, true))).to.be.instanceOf(TypeError);
    }
  });

  for (const stream of ['$streams', '$category-cart', '$bc-one', '$$$streams']) {
    it(`reject writes (${stream})`, async () => {
      expect(await rejectionOf(append(stream))).to.be.instanceOf(TypeError);
    });
  }
});
