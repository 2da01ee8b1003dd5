import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { eventIdOf } from '../../../src/command-side/handling/queued-command.js';
import type { EventStore } from '../../../src/ports/event-store.js';
import { eventually } from '../../support/eventually.js';
import { AT, COWBOY_BEBOP } from '../../support/examples.js';
import { held } from '../../support/faulty-event-store.js';
import {
  freshAnime,
  handlerOver,
  openStore,
  parsed,
  streamOfAnime,
  typesOf,
} from '../../support/command-handler.js';

describe('an accepted command', () => {
  let store: EventStore;
  let close: () => Promise<void>;
  before(async () => ({ store, close } = await openStore()));
  after(() => close());

  it('is one event with its data and metadata', async () => {
    const anime = freshAnime();
    const { send } = handlerOver(store);
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

    const result = await send(anime.list, { correlationId: 'c', causationId: 'r', traceparent });

    const [event, ...others] = await streamOfAnime(store, anime.id);
    expect(others).to.deep.equal([]);
    expect(result).to.deep.equal({
      kind: 'accepted',
      type: 'AnimeListed',
      eventId: event?.id,
      revision: 0n,
      position: event?.position.commit,
    });
    expect(parsed(event?.data ?? new Uint8Array())).to.deep.equal({
      schemaVersion: 1,
      animeId: anime.id,
      occurredAt: AT,
      details: COWBOY_BEBOP,
    });
    expect(parsed(event?.metadata ?? new Uint8Array())).to.deep.equal({
      $correlationId: 'c',
      $causationId: 'r',
      commandId: event?.id,
      traceparent,
    });
  });

  it('has the next revision', async () => {
    const anime = freshAnime();
    const { send } = handlerOver(store);
    await send(anime.list);
    expect(await send(anime.click)).to.include({ kind: 'accepted', revision: 1n });
    expect(await send(anime.rating)).to.include({ kind: 'accepted', revision: 2n });
  });

  it('shares an append with all that arrived during the previous one, in order', async () => {
    const anime = freshAnime();
    const { send, next, appends } = handlerOver(store);
    const gate = held();
    next(gate.fault);

    const first = send(anime.list);
    await eventually(() => expect(appends).to.have.length(1));
    const others = Array.from({ length: 50 }, (_, i) =>
      send({ ...anime.view, durationSeconds: i }),
    );
    gate.release();

    expect(await first).to.include({ kind: 'accepted', revision: 0n });
    const revisions = (await Promise.all(others)).map((result) =>
      result.kind === 'accepted' ? result.revision : undefined,
    );
    expect(revisions).to.deep.equal(Array.from({ length: 50 }, (_, i) => BigInt(i + 1)));
    expect(appends.map(({ events }) => events.length)).to.deep.equal([1, 50]);
    const stored = (await streamOfAnime(store, anime.id)).slice(1).map(({ data }) => parsed(data));
    for (const [i, data] of stored.entries()) expect(data).to.include({ durationSeconds: i });
  });

  it('does not wait for other anime', async () => {
    const [slow, fast] = [freshAnime(), freshAnime()];
    const { send, next } = handlerOver(store);
    const gate = held();
    next(gate.fault);

    const waiting = send(slow.list);
    expect(await send(fast.list)).to.include({ kind: 'accepted' });
    gate.release();
    expect(await waiting).to.include({ kind: 'accepted' });
  });

  it('never shares an append with more than 500 events or 512 KiB', async () => {
    const [many, big] = [freshAnime(), freshAnime()];
    const { send, next, appends } = handlerOver(store);
    const gates = [held(), held()];
    next(...gates.map(({ fault }) => fault));
    const bigDetails = (i: number) => ({
      ...big.list,
      details: { title: `Title ${i}`, description: 'ü'.repeat(4000) },
    });

    const sent = [send(many.list), send(big.list)];
    await eventually(() => expect(appends).to.have.length(2));
    for (let i = 0; i < 1100; i += 1) sent.push(send(many.click));
    for (let i = 0; i < 100; i += 1) sent.push(send(bigDetails(i)));
    for (const { release } of gates) release();

    const kinds = new Set((await Promise.all(sent)).map(({ kind }) => kind));
    expect([...kinds]).to.deep.equal(['accepted']);
    const sizes = (stream: string) =>
      appends.filter((append) => append.stream === stream).map(({ events }) => events.length);
    expect(Math.max(...sizes(many.stream))).to.be.within(200, 500);
    for (const { events } of appends) {
      const bytes = events.reduce((sum, event) => sum + JSON.stringify(event).length, 0);
      expect(bytes).to.be.at.most(512 * 1024);
    }
    expect(sizes(big.stream).length).to.be.greaterThan(2);
    expect(await streamOfAnime(store, big.id)).to.have.length(101);
  });

  for (const [name, limits, shared] of [
    ['events', { batchEvents: 4 }, 4],
    ['bytes, of 2048 for each', { batchBytes: 3 * 2048 }, 3],
  ] as const) {
    it(`shares an append up to a number of ${name}`, async () => {
      const anime = freshAnime();
      const { send, next, appends } = handlerOver(store, limits);
      const gate = held();
      next(gate.fault);
      const sent = [send(anime.list)];
      await eventually(() => expect(appends).to.have.length(1));
      for (let i = 0; i < 12; i += 1) sent.push(send(anime.click));
      gate.release();
      await Promise.all(sent);
      expect(new Set(appends.slice(1).map(({ events }) => events.length))).to.deep.equal(
        new Set([shared]),
      );
    });
  }

  it('reads nothing while its anime is cached, however long the stream', async () => {
    const anime = freshAnime();
    const { send, eventsRead } = handlerOver(store);
    await send(anime.list);
    const before = eventsRead();
    await Promise.all(Array.from({ length: 300 }, () => send(anime.click)));
    expect(eventsRead()).to.equal(before);
  });

  it('is decided correctly after its anime was evicted', async () => {
    const [one, two] = [freshAnime(), freshAnime()];
    const { send } = handlerOver(store, { cachedAnimes: 1 });
    await send(one.list);
    await send(two.list);
    await send(one.delist);
    await send(two.click);
    expect(await send(one.click)).to.have.nested.property('rejection.code', 'ANIME_DELISTED');
    expect(typesOf(await streamOfAnime(store, two.id))).to.deep.equal([
      'AnimeListed',
      'ClickRegistered',
    ]);
  });

  it('names its further events after the first, the same in each attempt', () => {
    const [first, other] = [randomUUID(), randomUUID()];
    expect(eventIdOf(first, 0)).to.equal(first);
    expect(eventIdOf(first, 1)).to.equal(eventIdOf(first, 1));
    const ids = [0, 1, 2].flatMap((index) => [eventIdOf(first, index), eventIdOf(other, index)]);
    expect(new Set(ids).size).to.equal(ids.length);
  });

  it('is measured by the seconds that its append took', async () => {
    const { send, metrics } = handlerOver(store);
    const startedAt = performance.now();
    await send(freshAnime().list);
    const seconds = (performance.now() - startedAt) / 1000;
    const { values } = await metrics.appendSeconds.get();
    const sum = values.find(({ metricName }) => metricName?.endsWith('_sum') === true)?.value;
    expect(sum).to.be.above(0).and.at.most(seconds);
  });

  it('is counted by type and outcome', async () => {
    const anime = freshAnime();
    const { send, metrics } = handlerOver(store);
    await send(anime.click);
    await send(anime.list);
    await eventually(async () => {
      const text = await metrics.port(['command-api']).text();
      expect(text).to.include('{type="RegisterClick",outcome="ANIME_NOT_LISTED"} 1');
      expect(text).to.include('{type="ListAnime",outcome="accepted"} 1');
    });
  });
});
