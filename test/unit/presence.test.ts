import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { UnavailableError } from '../../src/ports/errors.js';
import { presenceOf } from '../../src/wire/presence.js';
import { inMemoryEventStore } from '../support/in-memory-event-store.js';
import { rejectionOf } from '../support/rejection-of.js';

const STREAM = 'anime-1';

const given = async (count: number) => {
  const store = inMemoryEventStore();
  const ids = Array.from({ length: count }, () => randomUUID());
  const events = ids.map((id) => ({ id, type: 'ClickRegistered', data: {}, metadata: {} }));
  if (count > 0) await store.append(STREAM, 'no_stream', events);
  const at = (revision: number, id = ids[revision] ?? randomUUID()) =>
    presenceOf(store, { stream: STREAM, revision, id });
  return { store, at };
};

describe('an event that was read from the log once', () => {
  it('is there, the last or with later ones', async () => {
    const { at } = await given(3);
    expect(await at(0)).to.deep.equal({ kind: 'there', hasLater: true });
    expect(await at(1)).to.deep.equal({ kind: 'there', hasLater: true });
    expect(await at(2)).to.deep.equal({ kind: 'there', hasLater: false });
  });

  it('is lost where its stream has another event in its place', async () => {
    const { at } = await given(2);
    expect(await at(0, randomUUID())).to.deep.equal({ kind: 'lost', hasLater: true });
    expect(await at(1, randomUUID())).to.deep.equal({ kind: 'lost', hasLater: false });
  });

  it('is lost where its stream ends before it or never existed', async () => {
    const { at } = await given(2);
    expect(await at(2)).to.deep.equal({ kind: 'lost', hasLater: false });
    expect(await (await given(0)).at(0)).to.deep.equal({ kind: 'lost', hasLater: false });
  });

  it('is unknown where its stream was truncated', async () => {
    const { store, at } = await given(4);
    await store.setMaxCount(STREAM, 1);
    expect(await at(0)).to.deep.equal({ kind: 'unknown', hasLater: true });
    expect(await at(3)).to.deep.equal({ kind: 'there', hasLater: false });
    expect(await at(4)).to.deep.equal({ kind: 'lost', hasLater: false });
  });

  it('is unknown where its stream was deleted, for now or for ever', async () => {
    const { store, at } = await given(2);
    await store.deleteStream(STREAM);
    expect(await at(0)).to.deep.equal({ kind: 'unknown', hasLater: false });
    await store.tombstoneStream(STREAM);
    expect(await at(0)).to.deep.equal({ kind: 'unknown', hasLater: false });
  });

  it('is unknown where it was written after its stream was read', async () => {
    const late = { ...inMemoryEventStore(), head: () => Promise.resolve(1n) };
    const place = { stream: STREAM, revision: 1, id: randomUUID() };
    expect(await presenceOf(late, place)).to.deep.equal({ kind: 'unknown', hasLater: false });
  });

  it('is not asked for in vain: a store that is away is an error', async () => {
    const { store, at } = await given(1);
    await store.close();
    expect(await rejectionOf(at(0))).to.be.instanceOf(UnavailableError);
  });
});
