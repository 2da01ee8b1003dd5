import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { EventStore } from '../../../src/ports/event-store.js';
import { animeId, commands, events } from '../../support/examples.js';
import { after as afterOther, conflict, withHeldRead } from '../../support/faulty-event-store.js';
import { logOf } from '../../support/histories.js';
import {
  freshAnime,
  handlerOver,
  openStore,
  streamOfAnime,
  typesOf,
} from '../../support/command-handler.js';

describe('a conflict with another process', () => {
  let store: EventStore;
  let close: () => Promise<void>;
  before(async () => ({ store, close } = await openStore()));
  after(() => close());

  const setUp = async (limits = {}) => {
    const anime = freshAnime();
    const [here, there] = [handlerOver(store, limits), handlerOver(store)];
    await here.send(anime.list);
    return { anime, here, there };
  };

  it('is decided again on the new state', async () => {
    const { anime, here, there } = await setUp();
    here.next(afterOther(() => there.send(anime.click)));
    expect(await here.send(anime.rating)).to.include({ kind: 'accepted', revision: 2n });
    expect(typesOf(await streamOfAnime(store, anime.id))).to.deep.equal([
      'AnimeListed',
      'ClickRegistered',
      'RatingGiven',
    ]);
  });

  it('ends in a refusal where the new state asks for one', async () => {
    const { anime, here, there } = await setUp();
    here.next(afterOther(() => there.send(anime.delist)));
    expect(await here.send(anime.rating)).to.have.nested.property(
      'rejection.code',
      'ANIME_DELISTED',
    );
    expect(await streamOfAnime(store, anime.id)).to.have.length(2);
  });

  it('does not decide on an event of another process that it cannot read', async () => {
    const { anime, here, there } = await setUp();
    here.next(afterOther(() => there.send(anime.click)));
    await here.send(anime.click);
    await store.append(anime.stream, 2n, [
      { id: randomUUID(), type: 'UnknownType', data: {}, metadata: {} },
    ]);
    expect(await here.send(anime.click)).to.have.property('kind', 'unreadable');
    expect(await streamOfAnime(store, anime.id)).to.have.length(4);
  });

  it('fails after a bounded number of tries, with nothing written', async () => {
    const { anime, here } = await setUp({ conflictRetries: 3 });
    here.always(conflict);
    expect(await here.send(anime.click)).to.deep.equal({ kind: 'conflict' });
    expect(here.appends).to.have.length(1 + 4);
    expect(await streamOfAnime(store, anime.id)).to.have.length(1);
    here.always(undefined);
    expect(await here.send(anime.click)).to.include({ kind: 'accepted', revision: 1n });
  });

  it('does not count against a command that it appended nothing for', async () => {
    const { anime, here } = await setUp({ conflictRetries: 0 });
    here.next(conflict);
    const sent = [here.send(anime.delist), here.send(anime.click)];
    const [delisted, clicked] = await Promise.all(sent);
    expect(delisted).to.deep.equal({ kind: 'conflict' });
    expect(clicked).to.include({ kind: 'accepted', revision: 1n });
  });

  it('leaves a command unavailable, not unknown, whose time is over before the next try', async () => {
    const anime = freshAnime();
    const { holding, holdNext, release } = withHeldRead(store);
    const here = handlerOver(holding);
    await here.send(anime.list);
    here.next(conflict);
    holdNext();
    const result = await here.send(anime.click, { deadlineMs: 50 });
    release();
    expect(result).to.deep.equal({ kind: 'unavailable' });
  });

  it('loses and duplicates no event when two processes write as fast as they can', async () => {
    const { anime, here, there } = await setUp({ conflictRetries: 1000 });
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        (i % 2 === 0 ? here : there).send({ ...anime.view, durationSeconds: i }),
      ),
    );
    const stored = new Map(
      (await streamOfAnime(store, anime.id)).map(({ id, revision }) => [id, revision]),
    );
    const accepted = results.filter((result) => result.kind === 'accepted');
    for (const { eventId, revision } of accepted) expect(stored.get(eventId)).to.equal(revision);
    expect(stored.size).to.equal(accepted.length + 1);
  });

  /** A log whose anime was delisted, and a process that has seen it. */
  const givenDelisted = async () => {
    const anime = animeId(1);
    const { store: log } = logOf([
      { anime, event: events.listed },
      { anime, event: events.delisted },
    ]);
    const { send } = handlerOver(log);
    expect(await send(commands.click)).to.have.property('kind', 'rejected');
    return { anime, log, send };
  };

  it('is decided on the whole stream where the log was restored and others wrote to it', async () => {
    const { anime, log, send } = await givenDelisted();
    log.keepFirst(1);
    for (const { stream, type, data } of logOf(Array(2).fill({ anime, event: events.click })).store
      .log) {
      log.record(stream, { id: randomUUID(), type, data, metadata: {} });
    }
    expect(await send(commands.click)).to.include({ kind: 'accepted', revision: 3n });
  });

  it('is decided on the whole stream where another history begins with the id of our last event', async () => {
    const { log, send } = await givenDelisted();
    const [listed, delisted] = log.log;
    if (listed === undefined || delisted === undefined) expect.fail();
    await log.deleteStream(listed.stream);
    log.record(listed.stream, { ...listed, id: delisted.id });
    expect(await send(commands.click)).to.include({ kind: 'accepted', revision: 3n });
  });
});
