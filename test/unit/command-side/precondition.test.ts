import { expect } from 'chai';
import type { CommandResult } from '../../../src/ports/command-result.js';
import type { EventStore } from '../../../src/ports/event-store.js';
import { after as afterOther, held, refuse } from '../../support/faulty-event-store.js';
import {
  freshAnime,
  handlerOver,
  openStore,
  streamOfAnime,
  withKey,
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
        header: 'If-Match',
        revision: 1n,
      });
    }
    expect(await streamOfAnime(store, anime.id)).to.have.length(2);
  });

  it('fails for an anime without events', async () => {
    const anime = freshAnime();
    const { send } = handlerOver(store);
    for (const ifMatch of ['any', [0n]] as const) {
      expect(await send(anime.list, { ifMatch })).to.deep.equal({
        kind: 'precondition-failed',
        header: 'If-Match',
        revision: 'no_stream',
      });
    }
  });

  it('is refused for its own reason before its precondition is checked', async () => {
    const { send } = handlerOver(store);
    expect(await send(freshAnime().click, { ifMatch: [3n] })).to.include({ kind: 'rejected' });
  });

  it('fails also when there is nothing to do', async () => {
    const { anime, send } = await listed();
    expect(await send(anime.list, { ifMatch: [5n] })).to.include({ kind: 'precondition-failed' });
    expect(await send(anime.list, { ifMatch: [0n] })).to.include({ kind: 'unchanged' });
  });

  it('is accepted once per revision, however many are sent at the same time', async () => {
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
      header: 'If-Match',
      revision: 1n,
    });
    expect(appends).to.have.length(2);
  });

  it('is checked against the stream and not against the cache', async () => {
    const { anime, send } = await listed();
    await handlerOver(store).send(anime.click);
    expect(await send(anime.click, { ifMatch: [1n] })).to.include({ revision: 2n });
  });
});

describe('a command with If-None-Match', () => {
  let store: EventStore;
  let close: () => Promise<void>;
  before(async () => ({ store, close } = await openStore()));
  after(() => close());

  const ifNoneMatch = 'any';
  const failedAt = (revision: bigint) => ({
    kind: 'precondition-failed',
    header: 'If-None-Match',
    revision,
  });

  it('lists with * an anime that was never listed, or was delisted', async () => {
    const anime = freshAnime();
    const { send } = handlerOver(store);
    expect(await send(anime.list, { ifNoneMatch })).to.include({ revision: 0n });
    await send(anime.delist);
    expect(await send(anime.list, { ifNoneMatch })).to.include({ revision: 2n });
  });

  it('fails with * for a listed anime, changed or not, and leaves no event', async () => {
    const anime = freshAnime();
    const { send } = handlerOver(store);
    await send(anime.list);
    const other = { ...anime.list, details: { title: 'Another' } };
    for (const command of [anime.list, other, anime.click, anime.delist]) {
      expect(await send(command, { ifNoneMatch })).to.deep.equal(failedAt(0n));
    }
    expect(await streamOfAnime(store, anime.id)).to.have.length(1);
  });

  it('fails at a revision that it names, and is accepted at any other', async () => {
    const anime = freshAnime();
    const { send } = handlerOver(store);
    await send(anime.list);
    expect(await send(anime.click, { ifNoneMatch: [7n, 0n] })).to.deep.equal(failedAt(0n));
    expect(await send(anime.click, { ifNoneMatch: [7n] })).to.include({ revision: 1n });
    expect(await send(anime.click, { ifNoneMatch: [] })).to.include({ revision: 2n });
  });

  it('fails unless If-Match holds as well', async () => {
    const anime = freshAnime();
    const { send } = handlerOver(store);
    await send(anime.list);
    await send(anime.delist);
    expect(await send(anime.list, { ifMatch: [0n], ifNoneMatch })).to.deep.equal({
      kind: 'precondition-failed',
      header: 'If-Match',
      revision: 1n,
    });
    expect(await send(anime.list, { ifMatch: [1n], ifNoneMatch })).to.include({ revision: 2n });
    expect(await send(anime.list, { ifMatch: [2n], ifNoneMatch })).to.deep.equal(failedAt(2n));
  });

  it('is accepted once of many concurrent listings, in one process and in several', async () => {
    for (const processes of [1, 4]) {
      const anime = freshAnime();
      const handlers = Array.from({ length: processes }, () => handlerOver(store));
      const results = await Promise.all(
        handlers.flatMap(({ send }) =>
          Array.from({ length: 20 / processes }, (_, i) =>
            send({ ...anime.list, details: { title: `Title ${i}` } }, { ifNoneMatch }),
          ),
        ),
      );
      const kinds = results.map(({ kind }) => kind).sort();
      expect(kinds).to.deep.equal(['accepted', ...Array<string>(19).fill('precondition-failed')]);
      expect(await streamOfAnime(store, anime.id)).to.have.length(1);
    }
  });

  it('fails when another process lists the anime before its append arrives', async () => {
    const anime = freshAnime();
    const { send, next } = handlerOver(store);
    next(afterOther(() => handlerOver(store).send(anime.list)));
    const other = { ...anime.list, details: { title: 'Another' } };
    expect(await send(other, { ifNoneMatch })).to.deep.equal(failedAt(0n));
  });

  it('is decided again when the listing that it failed for was never written', async () => {
    const anime = freshAnime();
    const { send, next } = handlerOver(store);
    await send(anime.list);
    let whileAppending: Promise<CommandResult>[] = [];
    const sendTwo = () => {
      whileAppending = [send(anime.list), send(anime.list, { ifNoneMatch })];
      return Promise.resolve();
    };
    next(afterOther(sendTwo), refuse, refuse, refuse);
    expect(await send(anime.delist)).to.include({ revision: 1n });
    const [first, second] = await Promise.all(whileAppending);
    expect(first).to.include({ kind: 'unavailable' });
    expect(second).to.include({ kind: 'accepted', revision: 2n });
  });

  it('is checked against the stream and not against the cache', async () => {
    const anime = freshAnime();
    const { send } = handlerOver(store);
    await send(anime.list);
    await handlerOver(store).send(anime.delist);
    expect(await send(anime.list, { ifNoneMatch })).to.include({ revision: 2n });
  });

  it('gets the first response when repeated with its Idempotency-Key', async () => {
    const anime = freshAnime();
    const { send } = handlerOver(store);
    const options = { ...withKey('k'), ifNoneMatch } as const;
    await send(anime.list, options);
    expect(await send(anime.list, options)).to.include({ kind: 'replayed', revision: 0n });
    expect(await send(anime.list, { ...withKey('other'), ifNoneMatch })).to.deep.equal(
      failedAt(0n),
    );
  });
});
