import { expect } from 'chai';
import type { EventStore } from '../../../src/ports/event-store.js';
import { freshAnime, handlerOver, openStore } from '../../support/command-handler.js';

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

  it('is one read and the head for a title of which nothing changes', async () => {
    const anime = freshAnime();
    await handlerOver(store).send(anime.list);
    const { counted, take } = counting(store);
    expect(await handlerOver(counted).send(anime.list)).to.include({ kind: 'unchanged' });
    expect(take()).to.deep.equal(['read', 'head']);
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
});
