import { expect } from 'chai';
import type { EventStore } from '../../../src/ports/event-store.js';
import { after as afterOther, held } from '../../support/faulty-event-store.js';
import {
  freshAnime,
  handlerOver,
  openStore,
  streamOfAnime,
} from '../../support/command-handler.js';

describe('a command with If-Match', () => {
  let store: EventStore;
  let close: () => Promise<void>;
  before(async () => ({ store, close } = await openStore()));
  after(() => close());

  const listed = async () => {
    const anime = freshAnime();
    const process = handlerOver(store);
    await process.send(anime.list);
    return { anime, ...process };
  };

  it('is accepted at that revision, at one of several, and at any', async () => {
    const { anime, send } = await listed();
    expect(await send(anime.click, { ifMatch: [0n] })).to.include({ revision: 1n });
    expect(await send(anime.click, { ifMatch: [7n, 1n] })).to.include({ revision: 2n });
    expect(await send(anime.click, { ifMatch: 'any' })).to.include({ revision: 3n });
  });

  it('fails at another revision and says which, and leaves no event', async () => {
    const { anime, send } = await listed();
    await send(anime.click);
    for (const ifMatch of [[0n], [2n], []]) {
      expect(await send(anime.click, { ifMatch })).to.deep.equal({
        kind: 'precondition-failed',
        revision: 1n,
      });
    }
    expect(await streamOfAnime(store, anime.id)).to.have.length(2);
  });

  it('fails where there is nothing to match', async () => {
    const anime = freshAnime();
    const { send } = handlerOver(store);
    for (const ifMatch of ['any', [0n]] as const) {
      expect(await send(anime.list, { ifMatch })).to.deep.equal({
        kind: 'precondition-failed',
        revision: 'no_stream',
      });
    }
  });

  it('is refused for its own reason before its precondition is looked at', async () => {
    const { send } = handlerOver(store);
    expect(await send(freshAnime().click, { ifMatch: [3n] })).to.include({ kind: 'rejected' });
  });

  it('fails also when there is nothing to do', async () => {
    const { anime, send } = await listed();
    expect(await send(anime.list, { ifMatch: [5n] })).to.include({ kind: 'precondition-failed' });
    expect(await send(anime.list, { ifMatch: [0n] })).to.include({ kind: 'unchanged' });
  });

  it('wins once per revision, however many ask at the same time', async () => {
    const { anime, send, next } = await listed();
    for (let revision = 0n; revision < 3n; revision += 1n) {
      const results = await Promise.all(
        Array.from({ length: 40 }, () => send(anime.click, { ifMatch: [revision] })),
      );
      const kinds = results.map(({ kind }) => kind).sort();
      expect(kinds).to.deep.equal(['accepted', ...Array<string>(39).fill('precondition-failed')]);
    }
    const gate = held();
    next(gate.fault);
    const chain = [0, 1, 2, 3].map((i) => send(anime.click, { ifMatch: [BigInt(3 + i)] }));
    gate.release();
    const revisions = (await Promise.all(chain)).map((r) => 'revision' in r && r.revision);
    expect(revisions).to.deep.equal([4n, 5n, 6n, 7n]);
  });

  it('fails, and is not tried again, when another process is faster', async () => {
    const { anime, send, next, appends } = await listed();
    const other = handlerOver(store);
    next(afterOther(() => other.send(anime.click)));
    expect(await send(anime.rating, { ifMatch: [0n] })).to.deep.equal({
      kind: 'precondition-failed',
      revision: 1n,
    });
    expect(appends).to.have.length(2);
  });

  it('is judged by the stream and not by what this process remembers of it', async () => {
    const { anime, send } = await listed();
    await handlerOver(store).send(anime.click);
    expect(await send(anime.click, { ifMatch: [1n] })).to.include({ revision: 2n });
  });
});
