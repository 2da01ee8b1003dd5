import { expect } from 'chai';
import type { Direction, EventLog } from '../../../src/embedded-eventstore/log/event-log.js';
import {
  rawEvent,
  rawEvents,
  revisionsOf,
  temporaryLog,
  type TemporaryLog,
} from '../../support/event-log.js';

const MIB = 1024 * 1024;

describe('reads of the event log', () => {
  let given: TemporaryLog;
  let log: EventLog;
  beforeEach(async () => {
    given = await temporaryLog();
    log = given.log;
  });
  afterEach(() => given.remove());

  const readStream = (from: bigint | 'start' | 'end', direction: Direction, limit: number) => {
    const page = log.readStream('s', from, direction, limit);
    return [revisionsOf(page), page.kind === 'events' && page.endReached];
  };

  it('return a page of a stream, inclusive, and whether more follows', async () => {
    await log.append('s', 'no_stream', rawEvents(5));
    expect(readStream('start', 'forwards', 3)).to.deep.equal([[0n, 1n, 2n], false]);
    expect(readStream(3n, 'forwards', 3)).to.deep.equal([[3n, 4n], true]);
    expect(readStream(3n, 'forwards', 2)).to.deep.equal([[3n, 4n], true]);
    expect(readStream('end', 'backwards', 2)).to.deep.equal([[4n, 3n], false]);
    expect(readStream(1n, 'backwards', 2)).to.deep.equal([[1n, 0n], true]);
    expect(readStream(99n, 'backwards', 1)).to.deep.equal([[4n], false]);
  });

  it('return nothing beyond either end', async () => {
    await log.append('s', 'no_stream', rawEvents(2));
    expect(readStream('end', 'forwards', 3)).to.deep.equal([[], true]);
    expect(readStream(2n ** 63n - 1n, 'forwards', 3)).to.deep.equal([[], true]);
    expect(log.readAll('end', 'forwards', 3)).to.deep.equal([]);
    expect(log.readAll('start', 'backwards', 3)).to.deep.equal([]);
  });

  it('return all events forwards from a position and backwards before one', async () => {
    await log.append('a', 'no_stream', rawEvents(2));
    await log.append('b', 'no_stream', rawEvents(2));
    const all = log.readAll('start', 'forwards', 10);
    const third = all[2]?.position ?? 0n;
    expect(all).to.have.lengthOf(4);
    expect(log.readAll(third, 'forwards', 10)).to.deep.equal(all.slice(2));
    expect(log.readAll(third, 'backwards', 10)).to.deep.equal(all.slice(0, 2).reverse());
    expect(log.readAll('end', 'backwards', 1)).to.deep.equal(all.slice(3));
    expect(log.readAll(2n ** 63n, 'backwards', 1)).to.deep.equal(all.slice(3));
    expect(log.lastPosition()).to.equal(all[3]?.position);
  });

  it('bound a page by its bytes and omit nothing', async () => {
    const large = () => rawEvent({ data: Buffer.alloc(0.9 * MIB) });
    for (let n = 0; n < 12; n += 1) await log.append('s', 'any', [large()]);
    const sizes: number[] = [];
    const seen: bigint[] = [];
    for (let from = 0n; from < 12n; from = (seen.at(-1) ?? 0n) + 1n) {
      const page = log.readStream('s', from, 'forwards', 500);
      const events = page.kind === 'events' ? page.events : [];
      seen.push(...events.map(({ revision }) => revision));
      sizes.push(events.length);
    }
    expect(seen).to.deep.equal(Array.from({ length: 12 }, (_, n) => BigInt(n)));
    expect(Math.max(...sizes)).to.be.below(5);
    expect(log.readAll('start', 'forwards', 500)).to.have.length.within(1, 4);
    expect(log.readAll('end', 'backwards', 500)).to.have.length.within(1, 5);
  });

  it('find the next matching event however far away it is', async () => {
    await log.append('s', 'no_stream', [rawEvent({ data: Buffer.alloc(0.9 * MIB) })]);
    const [event] = log.readAll('start', 'forwards', 1);
    expect(log.readAll(1n, 'forwards', 1)).to.deep.equal([event]);
    expect(log.readAll(2n ** 40n, 'backwards', 1)).to.deep.equal([event]);
  });

  it('return bytes unchanged, including NUL', async () => {
    const data = Buffer.from([0, 1, 255, 0]);
    const metadata = Buffer.from([0]);
    await log.append('s', 'no_stream', [rawEvent({ data, metadata, isJson: false })]);
    log = await given.restart();
    const [event] = log.readAll('start', 'forwards', 1);
    expect(event).to.deep.include({ isJson: false, revision: 0n, stream: 's' });
    expect(Buffer.from(event?.data ?? [])).to.deep.equal(data);
    expect(Buffer.from(event?.metadata ?? [])).to.deep.equal(metadata);
  });

  it('return empty data and empty metadata as such', async () => {
    const nothing = Buffer.alloc(0);
    await log.append('s', 'no_stream', [rawEvent({ data: nothing, metadata: nothing })]);
    log = await given.restart();
    const [event] = log.readAll('start', 'forwards', 1);
    expect([event?.data.byteLength, event?.metadata.byteLength]).to.deep.equal([0, 0]);
  });

  it('work with more streams than are kept in memory', async () => {
    const streams = Array.from({ length: 21_000 }, (_, n) => `s${n}`);
    for (let n = 0; n < streams.length; n += 3000) {
      const some = streams.slice(n, n + 3000);
      await Promise.all(some.map((stream) => log.append(stream, 'no_stream', rawEvents(1))));
    }
    expect(streams.map((stream) => log.head(stream))).to.deep.equal(streams.map(() => 0n));
    expect(await log.append('s0', 'no_stream', rawEvents(1))).to.include({ actual: 0n });
  }).timeout(60_000);

  it('are refused once the log is closed, which may be closed twice', async () => {
    await Promise.all([log.close(), log.close()]);
    const refusal = await log.append('s', 'any', rawEvents(1)).catch((error: unknown) => error);
    expect(refusal).to.have.property('code', 'closed');
    const calls = [
      () => log.head('s'),
      () => log.readAll('start', 'forwards', 1),
      () => log.readStream('s', 'start', 'forwards', 1),
      () => log.subscribeAll({ after: 'start', signal: new AbortController().signal }),
    ];
    for (const call of calls) expect(call).to.throw('The event log is closed.');
  });

  it('see everything queued before the log closed', async () => {
    const appends = Array.from({ length: 20 }, () => log.append('s', 'any', rawEvents(1)));
    await log.close();
    expect((await Promise.all(appends)).map(({ kind }) => kind)).to.deep.equal(
      appends.map(() => 'written'),
    );
    log = await given.restart();
    expect(log.head('s')).to.equal(19n);
  });
});
