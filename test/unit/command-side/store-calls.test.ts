import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { EventStore } from '../../../src/ports/event-store.js';
import type { CommandLimits } from '../../../src/command-side/handling/limits.js';
import {
  freshAnime,
  handlerOver,
  openStore,
  streamOfAnime,
  typesOf,
  withKey,
} from '../../support/command-handler.js';
import { loseAnswer } from '../../support/faulty-event-store.js';

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

describe('what a command asks of the event store', () => {
  let store: EventStore;
  let close: () => Promise<void>;

  before(async () => ({ store, close } = await openStore()));
  after(() => close());

  it('is one read and one append for a title that is new', async () => {
    const { counted, take } = counting(store);
    expect(await handlerOver(counted).send(freshAnime().list)).to.include({ kind: 'accepted' });
    expect(take()).to.deep.equal(['read', 'append']);
  });

  it('is one read for a title of which nothing changes', async () => {
    const anime = freshAnime();
    await handlerOver(store).send(anime.list);
    const { counted, take } = counting(store);
    expect(await handlerOver(counted).send(anime.list)).to.include({ kind: 'unchanged' });
    expect(take()).to.deep.equal(['read']);
  });

  it('is the head, too, for a command that came after what is in memory was read', async () => {
    const anime = freshAnime();
    await handlerOver(store).send(anime.list);
    const { counted, take } = counting(store);
    const { send } = handlerOver(counted);
    await send(anime.list);
    take();
    expect(await send(anime.list)).to.include({ kind: 'unchanged' });
    expect(take()).to.deep.equal(['head']);
  });

  it('is one append once the anime is in memory', async () => {
    const anime = freshAnime();
    const { counted, take } = counting(store);
    const { send } = handlerOver(counted);
    await send(anime.list);
    take();
    expect(await send(anime.click)).to.include({ kind: 'accepted' });
    expect(take()).to.deep.equal(['append']);
  });

  describe('once many titles in a row were new, as in an import', () => {
    const importing = async (limits: Partial<CommandLimits> = {}) => {
      const { counted, take } = counting(store);
      const handler = handlerOver(counted, limits);
      for (let n = 0; n < 16; n += 1) await handler.send(freshAnime().list);
      take();
      return { ...handler, take };
    };

    it('is one append for a title that is new', async () => {
      const { send, take } = await importing();
      const anime = freshAnime();
      expect(await send(anime.list)).to.include({ kind: 'accepted', revision: 0n });
      expect(take()).to.deep.equal(['append']);
      expect(typesOf(await streamOfAnime(store, anime.id))).to.deep.equal(['AnimeListed']);
    });

    it('is an append that is refused and one read for a title that is in already', async () => {
      const anime = freshAnime();
      await handlerOver(store).send(anime.list);
      const { send, take } = await importing();
      expect(await send(anime.list)).to.deep.equal({ kind: 'unchanged', revision: 0n });
      expect(take()).to.deep.equal(['append', 'read']);
      expect(await streamOfAnime(store, anime.id)).to.have.length(1);
    });

    it('is one read, and no refused append, for the titles after one that was in already', async () => {
      const [one, other] = [freshAnime(), freshAnime()];
      await handlerOver(store).send(one.list);
      await handlerOver(store).send(other.list);
      const { send, take } = await importing();
      await send(one.list);
      take();
      expect(await send(other.list)).to.include({ kind: 'unchanged' });
      expect(take()).to.deep.equal(['read']);
    });

    it('is by its snapshot for a title that is in already and has a long history', async () => {
      const anime = freshAnime();
      const before = handlerOver(store, { snapshotEvery: 20 });
      await before.send(anime.list);
      for (let n = 0; n < 200; n += 1) await before.send(anime.click);
      await before.drain();
      const { send, eventsRead } = await importing({ snapshotEvery: 20 });
      expect(await send(anime.list)).to.deep.equal({ kind: 'unchanged', revision: 200n });
      expect(eventsRead()).to.be.at.most(45);
    });

    it('leaves a title refused of which the events cannot be read', async () => {
      const anime = freshAnime();
      const unknown = { id: randomUUID(), type: 'AnimeRenamed', data: {}, metadata: {} };
      await store.append(anime.stream, 'no_stream', [unknown]);
      const { send, refused } = await importing();
      expect(await send(anime.list)).to.include({ kind: 'unreadable' });
      expect(refused()).to.have.length(1);
      expect(await streamOfAnime(store, anime.id)).to.have.length(1);
    });

    it('is one append whose answer was lost and one more, for the same single event', async () => {
      const { send, next, take } = await importing();
      const anime = freshAnime();
      next(loseAnswer);
      expect(await send(anime.list)).to.include({ kind: 'accepted', revision: 0n });
      expect(take()).to.deep.equal(['append', 'append']);
      expect(await streamOfAnime(store, anime.id)).to.have.length(1);
    });

    it('is a read first for whatever is no plain listing', async () => {
      const { send, take } = await importing();
      const anime = freshAnime();
      expect(await send(anime.click)).to.include({ kind: 'rejected' });
      expect(take()).to.deep.equal(['read']);
      expect(await send(anime.list, { ifNoneMatch: 'any' })).to.include({ kind: 'accepted' });
      expect(take()).to.deep.equal(['append']);
      const keyed = await send(freshAnime().list, withKey('one'));
      expect(keyed).to.include({ kind: 'accepted' });
      expect(take()).to.deep.equal(['read', 'append']);
    });
  });
});
