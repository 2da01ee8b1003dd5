import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { metadataOf } from '../../../src/command-side/handling/batch.js';
import { bodyHashOf } from '../../../src/command-side/handling/queued-command.js';
import type { CommandResult } from '../../../src/ports/command-result.js';
import type { EventStore } from '../../../src/ports/event-store.js';
import {
  freshAnime,
  handlerOver,
  openStore,
  streamOfAnime,
  withKey,
} from '../../support/command-handler.js';
import { eventually } from '../../support/eventually.js';
import { animeId, commands, events } from '../../support/examples.js';
import { held } from '../../support/faulty-event-store.js';
import { logOf } from '../../support/histories.js';

const replayOf = (result: CommandResult): CommandResult =>
  result.kind === 'accepted' ? { ...result, kind: 'replayed' } : result;

describe('a command with an Idempotency-Key', () => {
  let store: EventStore;
  let close: () => Promise<void>;
  before(async () => ({ store, close } = await openStore()));
  after(() => close());

  const setUp = async (limits = {}) => {
    const anime = freshAnime();
    const process = handlerOver(store, limits);
    await process.send(anime.list);
    return { anime, ...process };
  };

  it('gets the first response when repeated, whatever happened between', async () => {
    const { anime, send } = await setUp();
    const first = await send(anime.click, withKey('k'));
    await send(anime.rating);
    await send(anime.delist);
    expect(first).to.include({ kind: 'accepted', revision: 1n });
    expect(await send(anime.click, withKey('k'))).to.deep.equal(replayOf(first));
    expect(await streamOfAnime(store, anime.id)).to.have.length(4);
  });

  it('is replayed before its precondition is checked again', async () => {
    const { anime, send } = await setUp();
    const options = { ...withKey('k'), ifMatch: [0n] };
    const first = await send(anime.click, options);
    expect(await send(anime.click, options)).to.deep.equal(replayOf(first));
  });

  it('is recorded once when sent many times concurrently', async () => {
    const { anime, send } = await setUp();
    const results = await Promise.all(
      Array.from({ length: 20 }, () => send(anime.click, withKey('k'))),
    );
    const kinds = results.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'accepted')).to.have.length(1);
    expect(kinds.filter((kind) => kind === 'replayed')).to.have.length(19);
    expect(new Set(results.map((result) => 'eventId' in result && result.eventId)).size).to.equal(
      1,
    );
    expect(await streamOfAnime(store, anime.id)).to.have.length(2);
  });

  it('is refused with another body, whether the first is stored or in flight', async () => {
    const { anime, send } = await setUp();
    const [first, other] = await Promise.all([
      send(anime.click, withKey('k', 'one')),
      send(anime.click, withKey('k', 'two')),
    ]);
    expect(first).to.include({ kind: 'accepted' });
    expect(other).to.deep.equal({ kind: 'key-reused' });
    expect(await send(anime.click, withKey('k', 'two'))).to.deep.equal({ kind: 'key-reused' });
  });

  it('is refused with another body in the batch of the first', async () => {
    const { anime, send, appends, next } = await setUp();
    const { fault, release } = held();
    next(fault);
    const before = send(anime.view);
    await eventually(() => expect(appends).to.have.length(2));
    const batch = [
      send(anime.click, withKey('k', 'one')),
      send(anime.click, withKey('k', 'two')),
      send(anime.click, withKey('k', 'one')),
    ];
    release();
    await before;
    const [first, other, again] = await Promise.all(batch);
    expect(first).to.include({ kind: 'accepted', revision: 2n });
    expect(other).to.deep.equal({ kind: 'key-reused' });
    expect(again).to.deep.equal(first && replayOf(first));
    expect(appends.map(({ events }) => events.length)).to.deep.equal([1, 1, 1]);
  });

  it('has another body with another field, but not at another time', () => {
    const hash = bodyHashOf(commands.view);
    expect(hash).to.have.length(22);
    expect(bodyHashOf({ ...commands.view, at: '2027-01-01T00:00:00.000Z' })).to.equal(hash);
    expect(bodyHashOf({ ...commands.view, durationSeconds: 1 })).not.to.equal(hash);
  });

  it('is another command for another caller, anime, kind of command or key', async () => {
    const { anime, send } = await setUp();
    const other = freshAnime();
    await send(other.list);
    const results = [
      await send(anime.click, withKey('k')),
      await send(anime.click, withKey('k2')),
      await send(anime.view, withKey('k')),
      await send(other.click, withKey('k')),
      await send(anime.click, withKey('k', 'body', 'somebody')),
    ];
    for (const result of results) expect(result).to.include({ kind: 'accepted' });
    expect(new Set(results.map((result) => 'eventId' in result && result.eventId)).size).to.equal(
      5,
    );
  });

  it('is decided again when it appended nothing', async () => {
    const anime = freshAnime();
    const { send } = handlerOver(store);
    expect(await send(anime.click, withKey('k'))).to.include({ kind: 'rejected' });
    expect(await send(anime.list, withKey('k'))).to.include({ kind: 'accepted' });
    expect(await send(anime.click, withKey('k'))).to.include({ kind: 'accepted', revision: 1n });
  });

  it('is known to another process, and after a restart', async () => {
    const { anime, send } = await setUp();
    const there = handlerOver(store);
    await there.send(anime.list);
    const first = await send(anime.click, withKey('k'));
    const stale = await there.send(anime.click, withKey('k'));
    expect(stale).to.include(replayed(first));
    expect(await handlerOver(store).send(anime.click, withKey('k'))).to.include(replayed(first));
    expect(await streamOfAnime(store, anime.id)).to.have.length(2);
  });

  it('is recorded once when several processes get it at once', async () => {
    const { anime, send } = await setUp();
    const others = [handlerOver(store), handlerOver(store), handlerOver(store)];
    for (const { send: sendThere } of others) await sendThere(anime.list);
    const results = await Promise.all(
      [send, ...others.map((other) => other.send)].map((to) => to(anime.click, withKey('k'))),
    );
    const kinds = results.map(({ kind }) => kind).sort();
    expect(kinds).to.deep.equal(['accepted', 'replayed', 'replayed', 'replayed']);
    const [, event] = await streamOfAnime(store, anime.id);
    for (const result of results) {
      expect(result).to.include({ eventId: event?.id, revision: 1n });
    }
    expect(await streamOfAnime(store, anime.id)).to.have.length(2);
  });

  it('is refused with another body by a process that does not know the first yet', async () => {
    const { anime, send } = await setUp();
    const there = handlerOver(store);
    await there.send(anime.list);
    await send(anime.view, withKey('k', 'one'));
    expect(await there.send(anime.view, withKey('k', 'two'))).to.deep.equal({ kind: 'key-reused' });
    expect(await streamOfAnime(store, anime.id)).to.have.length(2);
  });

  it('is not confused by metadata that cannot be read', async () => {
    const anime = animeId(1);
    for (const metadata of [
      '{"bodyHash"',
      '"bodyHash"',
      '{"bodyHash":"b"}',
      '{"bodyHash":"b","commandId":1}',
      '{"bodyHash":1,"commandId":"c"}',
    ]) {
      const { store: log } = logOf([{ anime, event: events.listed }]);
      const first = await handlerOver(log).send(commands.click, withKey('k'));
      const { data } = logOf([{ anime, event: events.click }]).store.log[0] ?? expect.fail();
      const written = { id: randomUUID(), type: 'ClickRegistered', data };
      log.record('anime-1', { ...written, metadata: Buffer.from(metadata) });
      // Nor does it take the place of the key.
      const { send } = handlerOver(log, { rememberedKeys: 1 });
      expect(await send(commands.click, withKey('k'))).to.include(replayed(first));
      expect(await send(commands.click)).to.include({ kind: 'accepted', revision: 3n });
    }
  });

  it('is not forgotten for commands without a key, in this process and in others', async () => {
    const limits = { rememberedKeys: 1 };
    const { anime, send } = await setUp(limits);
    const first = await send(anime.click, withKey('k'));
    await send(anime.click);
    await send(anime.view);
    expect(await send(anime.click, withKey('k'))).to.include(replayed(first));
    const restarted = handlerOver(store, limits);
    expect(await restarted.send(anime.click, withKey('k'))).to.include(replayed(first));
  });

  it('is in the metadata of the first event of a command only', () => {
    const options = { correlationId: 'c', ...withKey('k') };
    const metadata = { $correlationId: 'c', $causationId: 'id', commandId: 'id' };
    expect(metadataOf('id', 0, options)).to.deep.equal({ ...metadata, bodyHash: 'body' });
    expect(metadataOf('id', 1, options)).to.deep.equal(metadata);
  });

  it('is known from the snapshot where the tail does not contain it', async () => {
    const { anime, send, drain } = await setUp({ snapshotEvery: 10 });
    const first = await send(anime.click, withKey('k'));
    for (let i = 0; i < 30; i += 1) await send(anime.click);
    await drain();
    const restarted = handlerOver(store, { snapshotEvery: 10 });
    expect(await restarted.send(anime.click, withKey('k'))).to.include(replayed(first));
    expect(restarted.eventsRead()).to.be.lessThan(15);
  });

  it('is forgotten only after the configured number of others', async () => {
    const { anime, send } = await setUp({ rememberedKeys: 1000 });
    const keys = Array.from({ length: 1001 }, (_, i) => `k${i}`);
    await Promise.all(keys.map((key) => send(anime.click, withKey(key))));
    expect(await send(anime.click, withKey('k1'))).to.include({ kind: 'replayed' });
    expect(await send(anime.click, withKey('k1000'))).to.include({ kind: 'replayed' });
    expect(await send(anime.click, withKey('k0'))).to.include({ kind: 'accepted' });
  });

  const replayed = (first: CommandResult) => {
    if (first.kind !== 'accepted') throw new Error(`expected accepted, not ${first.kind}`);
    const { eventId, revision, type } = first;
    return { kind: 'replayed', eventId, revision, type };
  };
});
