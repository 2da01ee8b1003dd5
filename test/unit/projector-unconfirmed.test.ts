import { expect } from 'chai';
import type { EventItem } from '../../src/ports/event-bus.js';
import type { EventStore } from '../../src/ports/event-store.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { compareWithLog } from '../../src/read-side/audit/compare.js';
import { checkDocuments } from '../../src/read-side/rebuild/check-documents.js';
import { eventually } from '../support/eventually.js';
import { animeId, events } from '../support/examples.js';
import { logOf, type Happening } from '../support/histories.js';
import { inMemoryDocuments } from '../support/in-memory-documents.js';
import { batchOf, projecting, raisedAlarms } from '../support/projecting.js';
import { recordingLogger } from '../support/recording-logger.js';

const anime = (number: number): Happening[] =>
  [events.listed, events.click, events.view, events.rating].map((event) => ({
    anime: number,
    event: { ...event, data: { ...event.data, animeId: animeId(number) } } as typeof event,
  }));

/** A store whose reads of streams end at this many events, as those of a follower that is behind. */
const behind = (store: EventStore, ends: { of: number }): EventStore => ({
  ...store,
  async *read(stream, options) {
    for await (const event of store.read(stream, options)) {
      if (event.revision < BigInt(ends.of)) yield event;
    }
  },
  head: async (stream) => {
    const head = await store.head(stream);
    return head === 'no_stream' || head < BigInt(ends.of) ? head : BigInt(ends.of - 1);
  },
});

const given = () => {
  const { store, items } = logOf([...anime(1), ...anime(2)]);
  const documents = inMemoryDocuments();
  const ends = { of: 100 };
  let now = 1_000_000;
  const { logger, told } = recordingLogger();
  const follower = behind(store, ends);
  const projector = projecting(follower, documents, { now: () => now, logger });
  const [, , , last, ...others] = items;
  if (last === undefined) expect.fail();
  return {
    items,
    documents,
    projector,
    last,
    others,
    follower,
    told,
    endStreamsAt: (events_: number) => (ends.of = events_),
    pass: (milliseconds: number) => (now += milliseconds),
    when: (...delivered: readonly EventItem[]) => projector.handle(batchOf(delivered)),
    confirm: () => projector.confirm(new AbortController().signal),
    revision: async (number: number) =>
      (await documents.animes([animeId(number)]))[0]?.revision ?? null,
    alarms: async () => (await raisedAlarms(projector.metrics)).length,
    letters: () =>
      projector.deadLetters.letters.map(({ stream, revision }) => `${stream}@${revision}`),
    isEqual: async () => (await compareWithLog({ eventStore: store, documents })).equal,
  };
};

/** A record of the event at a revision that its stream does not have. */
const misplaced = (item: EventItem, revision = 99n): EventItem => ({
  ...item,
  event: { ...item.event, revision },
});

describe('an event that its stream does not have', () => {
  it('delays no other anime of the batch', async () => {
    const { items, when, last, revision } = given();
    await when(misplaced(last), ...items);
    expect(await revision(1)).to.equal(3);
    expect(await revision(2)).to.equal(3);
  });

  it('delays no further event of its anime', async () => {
    const { items, when, last, revision } = given();
    await when(...items.slice(0, 2), misplaced(last));
    await when(...items.slice(2));
    expect(await revision(1)).to.equal(3);
  });

  it('is applied, and raises no alarm, once an event store that was behind has it', async () => {
    const { items, when, last, others, endStreamsAt, confirm, isEqual, revision, ...more } =
      given();
    await when(...items.slice(0, 2));
    endStreamsAt(2);
    await when(last, ...others.slice(0, 2));
    expect(await revision(1)).to.equal(1);
    await confirm();
    expect(await revision(1)).to.equal(1);
    endStreamsAt(100);
    await confirm();
    await when(...others.slice(2));
    expect(await isEqual()).to.be.true;
    more.pass(60_000);
    await confirm();
    expect(await more.alarms()).to.equal(0);
    expect(more.letters()).to.deep.equal([]);
  });

  it('is applied in its order where a later one comes first', async () => {
    const { items, when, last, others, endStreamsAt, confirm, isEqual } = given();
    await when(...items.slice(0, 1));
    endStreamsAt(1);
    await when(last);
    endStreamsAt(100);
    await when(...items.slice(1, 3), ...others);
    await confirm();
    expect(await isEqual()).to.be.true;
  });

  it('is confirmed although a record beyond the end of the stream came with it', async () => {
    const { items, when, last, endStreamsAt, confirm, revision } = given();
    await when(...items.slice(0, 3));
    endStreamsAt(3);
    await when(last, misplaced(last));
    endStreamsAt(100);
    await confirm();
    expect(await revision(1)).to.equal(3);
  });

  it('becomes a dead letter and an alarm where the stream does not have it after 30 s', async () => {
    const { items, when, last, pass, confirm, alarms, letters, projector } = given();
    await when(...items, misplaced(last));
    pass(29_999);
    await confirm();
    expect(letters()).to.deep.equal([]);
    pass(1);
    await confirm();
    await confirm();
    expect(letters()).to.deep.equal(['anime-1@99']);
    expect(projector.deadLetters.letters[0]?.reason).to.equal(
      'Revision 99 was delivered, but the stream ends at 3.',
    );
    expect(await alarms()).to.equal(1);
    expect([...projector.quarantine().keys()]).to.deep.equal([1]);
  });

  it('counts its 30 s from the first delivery, whatever else comes meanwhile', async () => {
    const { items, when, last, pass, confirm, letters } = given();
    await when(...items.slice(0, 2), misplaced(last));
    pass(20_000);
    await when(misplaced(last), ...items.slice(2));
    pass(10_000);
    await confirm();
    expect(letters()).to.deep.equal(['anime-1@99']);
  });

  it('is said once, whatever else of its anime comes too early', async () => {
    const { items, when, last, told } = given();
    await when(...items, misplaced(last));
    await when(misplaced(last), misplaced(last, 98n));
    const early = told().filter((line) => /that its stream does not have yet$/.test(line));
    expect(early).to.have.length(1);
  });

  it('is confirmed with those that came after an earlier one', async () => {
    const { items, when, endStreamsAt, confirm, revision } = given();
    const [listed, click, view, rating] = items;
    if (listed === undefined || click === undefined) expect.fail();
    if (view === undefined || rating === undefined) expect.fail();
    await when(listed);
    endStreamsAt(1);
    await when(rating, view);
    endStreamsAt(100);
    await confirm();
    expect(await revision(1)).to.equal(3);
  });

  it('is given up only as the latest of its anime, once that is overdue', async () => {
    const { items, when, last, pass, confirm, letters } = given();
    await when(...items, misplaced(last));
    pass(30_000);
    await when(misplaced(last, 98n));
    expect(letters()).to.deep.equal([]);
    await confirm();
    expect(letters()).to.deep.equal(['anime-1@99']);
  });

  it('has 30 s of its own after another one was confirmed', async () => {
    const { items, when, last, endStreamsAt, confirm, pass, letters, revision } = given();
    await when(...items.slice(0, 2));
    endStreamsAt(2);
    await when(last);
    endStreamsAt(100);
    await confirm();
    expect(await revision(1)).to.equal(3);
    await when(last);
    pass(60_000);
    await when(misplaced(last));
    await confirm();
    expect(letters()).to.deep.equal([]);
  });

  it('has 30 s of its own after another one was given up', async () => {
    const { items, when, last, projector, confirm, pass, letters } = given();
    await when(...items, misplaced(last));
    pass(30_000);
    await confirm();
    await projector.recheck(animeId(1), 3, new AbortController().signal);
    expect(projector.quarantine().size).to.equal(0);
    await when(misplaced(last, 199n));
    await confirm();
    expect(letters()).to.deep.equal(['anime-1@99']);
    pass(30_000);
    await confirm();
    expect(letters()).to.deep.equal(['anime-1@99', 'anime-1@199']);
  });

  it('is given up at once, by the clock of the process, where there is no patience', async () => {
    const { items, last, follower, documents } = given();
    const projector = projecting(follower, documents, { patienceMs: 0 });
    await projector.handle(batchOf([...items, misplaced(last)]));
    expect([...projector.quarantine().keys()]).to.deep.equal([1]);
  });

  it('is looked for between the batches of its anime: no two saves of it overlap', async () => {
    const { items, documents, follower, ...unconfirmed } = given();
    const [first, second, third] = items;
    if (first === undefined || second === undefined || third === undefined) expect.fail();
    let release = (): void => undefined;
    let saving = 0;
    let most = 0;
    const held = new Promise<void>((resolve) => (release = resolve));
    const slow = {
      ...documents,
      save: async (batch: Parameters<typeof documents.save>[0]) => {
        most = Math.max(most, (saving += 1));
        await held;
        return documents.save(batch).finally(() => (saving -= 1));
      },
    };
    const projector = projecting(follower, slow);
    unconfirmed.endStreamsAt(0);
    await projector.handle(batchOf([second]));
    unconfirmed.endStreamsAt(100);
    const handled = projector.handle(batchOf([first]));
    const confirmed = projector.confirm(new AbortController().signal);
    await eventually(() => expect(saving).to.be.greaterThan(0));
    release();
    await Promise.all([handled, confirmed]);
    expect(most).to.equal(1);
    expect(await unconfirmed.revision(1)).to.equal(1);
  });

  it('is found in its stream after a restart', async () => {
    const { items, when, last, endStreamsAt, follower, documents, isEqual, others } = given();
    await when(...items.slice(0, 2), ...others);
    endStreamsAt(2);
    await when(last);
    endStreamsAt(100);
    await checkDocuments({
      eventStore: follower,
      documents,
      projector: projecting(follower, documents),
      logger: silentLogger(),
      keeps: true,
      isIdle: () => true,
      waitMs: 0,
      signal: new AbortController().signal,
    });
    expect(await isEqual()).to.be.true;
  });
});
