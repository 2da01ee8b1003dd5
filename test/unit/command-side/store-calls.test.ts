import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { EventStore } from '../../../src/ports/event-store.js';
import type { CommandLimits } from '../../../src/command-side/handling/queued-command.js';
import {
  freshAnime,
  handlerOver,
  openStore,
  streamOfAnime,
  typesOf,
  withKey,
} from '../../support/command-handler.js';
import { eventually } from '../../support/eventually.js';
import {
  after as afterOther,
  conflict,
  held,
  loseAnswer,
} from '../../support/faulty-event-store.js';

type Call = 'read' | 'head' | 'append';

/** What is asked of an event store on its way through: each is a round trip where it is a server. */
const counting = (store: EventStore) => {
  const calls: Call[] = [];
  const counted: EventStore = {
    ...store,
    read: (stream, options) => {
      calls.push('read');
      return store.read(stream, options);
    },
    head: (stream) => {
      calls.push('head');
      return store.head(stream);
    },
    append: (stream, expected, events, options) => {
      calls.push('append');
      return store.append(stream, expected, events, options);
    },
  };
  return { counted, take: () => calls.splice(0) };
};

describe('the event store calls of a command', () => {
  let store: Awaited<ReturnType<typeof openStore>>['store'];
  let close: () => Promise<void>;

  before(async () => ({ store, close } = await openStore()));
  after(() => close());

  it('are one read and one append for a new title', async () => {
    const { counted, take } = counting(store);
    expect(await handlerOver(counted).send(freshAnime().list)).to.include({ kind: 'accepted' });
    expect(take()).to.deep.equal(['read', 'append']);
  });

  it('are one read for an unchanged title', async () => {
    const anime = freshAnime();
    await handlerOver(store).send(anime.list);
    const { counted, take } = counting(store);
    expect(await handlerOver(counted).send(anime.list)).to.include({ kind: 'unchanged' });
    expect(take()).to.deep.equal(['read']);
  });

  it('include the head for a command that arrived after the cache was read', async () => {
    const anime = freshAnime();
    await handlerOver(store).send(anime.list);
    const { counted, take } = counting(store);
    const { send } = handlerOver(counted);
    await send(anime.list);
    take();
    expect(await send(anime.list)).to.include({ kind: 'unchanged' });
    expect(take()).to.deep.equal(['head']);
  });

  it('are one append once the anime is cached', async () => {
    const anime = freshAnime();
    const { counted, take } = counting(store);
    const { send } = handlerOver(counted);
    await send(anime.list);
    take();
    expect(await send(anime.click)).to.include({ kind: 'accepted' });
    expect(take()).to.deep.equal(['append']);
  });

  it('are one append although the anime was evicted while it was appended to', async () => {
    const [anime, other] = [freshAnime(), freshAnime()];
    const { counted, take } = counting(store);
    const { send, next, appends } = handlerOver(counted, { cachedAnimes: 1 });
    await send(anime.list);
    const gate = held();
    next(gate.fault);
    const click = send(anime.click);
    await eventually(() => expect(appends).to.have.length(2));
    await send(other.list);
    gate.release();
    await click;
    take();
    await send(anime.click);
    expect(take()).to.deep.equal(['append']);
  });

  it('are a read and an append after one that the store reports at another revision', async () => {
    const anime = freshAnime();
    const { counted, take } = counting(store);
    const { send, next } = handlerOver(counted);
    await send(anime.list);
    next(async ({ forward }) => {
      const written = await forward();
      return { ...written, revision: written.revision + 5n };
    });
    await send(anime.click);
    take();
    expect(await send(anime.click)).to.include({ kind: 'accepted', revision: 2n });
    expect(take()).to.deep.equal(['read', 'append']);
  });

  it('are a read and an append while others write its stream, until they no longer do', async () => {
    const anime = freshAnime();
    const { counted, take } = counting(store);
    const [here, there] = [handlerOver(counted), handlerOver(store)];
    await here.send(anime.list);
    here.next(afterOther(() => there.send(anime.click)));
    await here.send(anime.click);
    take();
    const calls: Call[][] = [];
    for (let n = 0; n < 7; n += 1) {
      await there.send(anime.view);
      expect(await here.send(anime.click)).to.include({ kind: 'accepted' });
      calls.push(take());
    }
    expect(calls).to.deep.equal(Array(7).fill(['read', 'append']));
    for (let n = 0; n < 5; n += 1) {
      await here.send(anime.click);
      calls.push(take());
    }
    await here.send(anime.click);
    expect(calls.slice(7).flat()).to.deep.equal(Array(5).fill(['read', 'append']).flat());
    expect(take()).to.deep.equal(['append']);
  });

  it('read one event of a stream whose beginning is hidden, however long the rest', async () => {
    const anime = freshAnime();
    const { send } = handlerOver(store);
    await send(anime.list);
    await Promise.all(Array.from({ length: 50 }, () => send(anime.click)));
    await store.setMaxCount(anime.stream, 40);
    const restarted = handlerOver(store);
    expect(await restarted.send(anime.click)).to.have.property('kind', 'truncated');
    // And the metadata of the stream, which say why.
    expect(restarted.eventsRead()).to.equal(2);
    expect(await restarted.send(anime.click)).to.have.property('kind', 'truncated');
    expect(restarted.eventsRead()).to.equal(4);
  });

  it('read only both ends of a stream that is refused again, however long it is', async () => {
    const anime = freshAnime();
    await handlerOver(store).send(anime.list);
    await store.deleteStream(anime.stream);
    const { send } = handlerOver(store);
    await send(anime.list);
    await Promise.all(Array.from({ length: 50 }, () => send(anime.click)));
    const unknown = { id: randomUUID(), type: 'AnimeAwarded', data: {}, metadata: {} };
    await store.append(anime.stream, 51n, [unknown]);
    const restarted = handlerOver(store);
    expect(await restarted.send(anime.click)).to.include({ kind: 'unreadable' });
    const before = restarted.eventsRead();
    expect(await restarted.send(anime.click)).to.include({ kind: 'unreadable' });
    expect(restarted.eventsRead() - before).to.equal(2);
  });

  describe('once many titles in a row were new, as in an import', () => {
    const importing = async (limits: Partial<CommandLimits> = {}) => {
      const { counted, take } = counting(store);
      const handler = handlerOver(counted, limits);
      for (let n = 0; n < 16; n += 1) await handler.send(freshAnime().list);
      take();
      return { ...handler, take };
    };

    it('are one append for a new title', async () => {
      const { send, take } = await importing();
      const anime = freshAnime();
      expect(await send(anime.list)).to.include({ kind: 'accepted', revision: 0n });
      expect(take()).to.deep.equal(['append']);
      expect(typesOf(await streamOfAnime(store, anime.id))).to.deep.equal(['AnimeListed']);
    });

    it('are one append for the first command after the listing', async () => {
      const { send, take } = await importing();
      const anime = freshAnime();
      await send(anime.list);
      take();
      expect(await send(anime.click)).to.include({ kind: 'accepted', revision: 1n });
      expect(take()).to.deep.equal(['append']);
    });

    it('are one append for a new title although a cached one was read again', async () => {
      const { send, take } = await importing();
      const anime = freshAnime();
      await send(anime.list);
      await handlerOver(store).send(anime.click);
      expect(await send(anime.list)).to.deep.equal({ kind: 'unchanged', revision: 1n });
      expect(take().slice(-2)).to.deep.equal(['head', 'read']);
      await send(freshAnime().list);
      expect(take()).to.deep.equal(['append']);
    });

    it('find an event again whose response was lost and whose repeat was a conflict', async () => {
      const { send, next } = await importing();
      const anime = freshAnime();
      await send(anime.list);
      next(loseAnswer, conflict);
      expect(await send(anime.click)).to.include({ kind: 'accepted', revision: 1n });
      expect(await streamOfAnime(store, anime.id)).to.have.length(2);
    });

    it('are a refused append and one read for an existing title', async () => {
      const anime = freshAnime();
      await handlerOver(store).send(anime.list);
      const { send, take } = await importing();
      expect(await send(anime.list)).to.deep.equal({ kind: 'unchanged', revision: 0n });
      expect(take()).to.deep.equal(['append', 'read']);
      expect(await streamOfAnime(store, anime.id)).to.have.length(1);
    });

    it('are one read, and no refused append, for the titles after an existing one', async () => {
      const [one, other] = [freshAnime(), freshAnime()];
      await handlerOver(store).send(one.list);
      await handlerOver(store).send(other.list);
      const { send, take } = await importing();
      await send(one.list);
      take();
      expect(await send(other.list)).to.include({ kind: 'unchanged' });
      expect(take()).to.deep.equal(['read']);
    });

    it('use the snapshot for an existing title with a long history', async () => {
      const anime = freshAnime();
      const before = handlerOver(store, { snapshotEvery: 20 });
      await before.send(anime.list);
      for (let n = 0; n < 200; n += 1) await before.send(anime.click);
      await before.drain();
      const { send, eventsRead } = await importing({ snapshotEvery: 20 });
      expect(await send(anime.list)).to.deep.equal({ kind: 'unchanged', revision: 200n });
      expect(eventsRead()).to.be.at.most(45);
    });

    it('keep a title refused whose events cannot be read', async () => {
      const anime = freshAnime();
      const unknown = { id: randomUUID(), type: 'AnimeRenamed', data: {}, metadata: {} };
      await store.append(anime.stream, 'no_stream', [unknown]);
      const { send, refused } = await importing();
      expect(await send(anime.list)).to.include({ kind: 'unreadable' });
      expect(refused()).to.have.length(1);
      expect(await streamOfAnime(store, anime.id)).to.have.length(1);
    });

    it('are one append with a lost response and one more, for the same single event', async () => {
      const { send, next, take } = await importing();
      const anime = freshAnime();
      next(loseAnswer);
      expect(await send(anime.list)).to.include({ kind: 'accepted', revision: 0n });
      expect(take()).to.deep.equal(['append', 'append']);
      expect(await streamOfAnime(store, anime.id)).to.have.length(1);
    });

    it('are a read first for everything but a plain listing', async () => {
      const { send, take } = await importing();
      const anime = freshAnime();
      expect(await send(anime.click)).to.include({ kind: 'rejected' });
      expect(take()).to.deep.equal(['read']);
      expect(await send(anime.list, { ifNoneMatch: 'any' })).to.include({ kind: 'accepted' });
      expect(take()).to.deep.equal(['append']);
      const keyed = await send(freshAnime().list, withKey('one'));
      expect(keyed).to.include({ kind: 'accepted' });
      expect(take()).to.deep.equal(['read', 'append']);
      for (const precondition of [{ ifMatch: [7n] }, { ifNoneMatch: [7n] }] as const) {
        await send(freshAnime().list, precondition);
        expect(take()[0]).to.equal('read');
      }
    });
  });
});
