import { expect } from 'chai';
import type { EventStore } from '../../src/ports/event-store.js';
import { PortError, StreamDeletedError, UnavailableError } from '../../src/ports/errors.js';
import type { BusItem, EventItem } from '../../src/ports/event-bus.js';
import type { DocumentStore } from '../../src/ports/read-store.js';
import { encode } from '../../src/wire/stream-event.js';
import { compareWithLog } from '../../src/read-side/audit/compare.js';
import { troubleOfQuarantined } from '../../src/read-side/projector/quarantine.js';
import { emptyInteraction } from '../../src/read-side/read-models/interaction.js';
import { recheckQuarantined } from '../../src/read-side/rebuild/check-documents.js';
import { replayAnime } from '../../src/read-side/rebuild/replay.js';
import { eventually } from '../support/eventually.js';
import { animeId, events } from '../support/examples.js';
import { LOG_ID, logOf, itemsOf, type Happening } from '../support/histories.js';
import { inMemoryDocuments } from '../support/in-memory-documents.js';
import { batchOf, projecting, raisedAlarms, unreadable } from '../support/projecting.js';
import { aDay, anInteraction } from '../support/read-store.js';

const of = (anime: number, event: Happening['event']): Happening => {
  if (typeof event === 'string') return { anime, event };
  const data = { ...event.data, animeId: animeId(anime) };
  return { anime, event: { ...event, data } as typeof event };
};

const anime = (number: number) =>
  [events.listed, events.click, events.view, events.rating].map((event) => of(number, event));

const given = (...history: Happening[]) => {
  const { store, items } = logOf(history);
  const documents = inMemoryDocuments();
  let now = Date.UTC(2026, 10, 24);
  const projector = projecting(store, documents, { now: () => now });
  return {
    store,
    items,
    documents,
    projector,
    pass: (milliseconds: number) => (now += milliseconds),
    when: (...delivered: readonly (BusItem | undefined)[]) =>
      projector.handle(batchOf(delivered.filter((item) => item !== undefined))),
    recheck: () =>
      recheckQuarantined({ eventStore: store, projector, signal: new AbortController().signal }),
    revision: async (number: number) =>
      (await documents.animes([animeId(number)]))[0]?.revision ?? null,
    alarms: () => raisedAlarms(projector.metrics),
    letters: () =>
      projector.deadLetters.letters.map(({ stream, revision, reason }) => ({
        stream,
        revision,
        reason,
      })),
    isEqual: async () => (await compareWithLog({ eventStore: store, documents })).equal,
  };
};

const rejection = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail('should have rejected'),
    (error: unknown) => error,
  );

/** The first read of any stream finds nothing, as if its events were appended while it ran. */
const appendedDuringFirstRead = (store: EventStore): EventStore => {
  let reads = 0;
  return {
    ...store,
    read: (...asked) => (++reads === 1 ? store.read('anime-99') : store.read(...asked)),
  };
};

describe('projector', () => {
  it('counts the documents of all kinds that it saves', async () => {
    const { items, projector, when } = given(...anime(1));
    await when(...items);
    expect(await projector.counted('projectorDocuments')).to.equal(3);
  });

  describe('says how old', () => {
    const NOW = Date.UTC(2026, 10, 24);
    const whenRecordedAgo = async (...seconds: readonly number[]) => {
      const { items, projector, when } = given(...anime(1), ...anime(2));
      await when(
        ...items.slice(0, seconds.length).map((item, index) => {
          const recordedAt = NOW - (seconds[index] ?? 0) * 1000;
          return { ...item, event: { ...item.event, recordedAt } };
        }),
      );
      const { freshness, projectorLagSeconds } = projector.metrics;
      const observed = (await freshness.get()).values.filter(
        ({ metricName }) => metricName?.endsWith('_bucket') === false,
      );
      const lag = (await projectorLagSeconds.get()).values;
      return [...observed, ...lag].map(({ labels, value }) => [labels, value]);
    };

    it('the oldest saved event of each anime and the newest of all was', async () => {
      expect(await whenRecordedAgo(5, 4, 3, 1, 2)).to.deep.equal([
        [{ version: 'v1' }, 7],
        [{ version: 'v1' }, 2],
        [{ version: 'v1' }, 1],
      ]);
    });

    it('an event was as 0 where the clock of the event store is ahead', async () => {
      expect(await whenRecordedAgo(-2)).to.deep.equal([
        [{ version: 'v1' }, 0],
        [{ version: 'v1' }, 1],
        [{ version: 'v1' }, 0],
      ]);
    });
  });

  it('counts duplicates and changes nothing', async () => {
    const { items, projector, when, isEqual } = given(...anime(1));
    await when(...items);
    await when(...items, ...items);
    expect(await projector.counted('projectorDuplicates')).to.equal(8);
    expect(await projector.counted('projectorApplied')).to.equal(4);
    expect(await isEqual()).to.be.true;
  });

  it('fills a gap from the event store, and never skips it', async () => {
    const { items, projector, when, isEqual } = given(...anime(1));
    await when(items[0]);
    await when(items[3]);
    expect(await projector.counted('projectorGaps')).to.equal(1);
    expect(await isEqual()).to.be.true;
  });

  it('counts a gap once that is filled in several reads', async () => {
    const { store, items, documents, isEqual } = given(...anime(1));
    const projector = projecting(store, documents, { gapFillLimit: 1 });
    for (const item of [items[0], items[3]]) if (item) await projector.handle(batchOf([item]));
    expect(await projector.counted('projectorGaps')).to.equal(1);
    expect(await isEqual()).to.be.true;
  });

  it('fills a gap of an event type that the bridge omits', async () => {
    const { store, when, isEqual } = given(of(1, events.listed));
    store.record('anime-1', { id: 'x', type: '$note', data: new Uint8Array(), metadata: {} });
    const [, click] = logOf([of(1, events.listed), of(1, events.click)]).store.log;
    if (click) store.record('anime-1', { ...click, metadata: {} });
    await when(itemsOf(store)[2]);
    expect(await isEqual()).to.be.true;
  });

  it('applies no malformed record to a document, but all others', async () => {
    const { items, when, isEqual, letters } = given(...anime(1), ...anime(2));
    const [, click] = items;
    if (click === undefined) expect.fail();
    const huge = new Uint8Array(200_000).fill(123);
    const { event } = click;
    await when(
      { ...click, event: { ...event, data: huge } },
      unreadable(click, { reason: 'too-large' }),
      unreadable(click, { revision: null }),
      unreadable(click, { stream: 'anime-x', revision: null, value: huge }),
      unreadable(click, { stream: null, revision: null }),
      ...items.slice(2),
    );
    expect(await isEqual()).to.be.true;
    expect(letters().map(({ stream, revision }) => [stream, revision])).to.deep.equal([
      ['anime-1', 1],
      ['anime-1', null],
      ['anime-x', null],
      [null, null],
    ]);
    expect(letters()[2]?.reason).to.equal('the stream is not that of an anime');
    expect(letters()[1]?.reason).to.equal('the record has no value');
    expect(letters()[3]?.reason).to.equal('the record has no value');
  });

  it('changes no document for a record that does not say which event it was', async () => {
    const { items, when, revision, letters } = given(...anime(1));
    const [listed] = items;
    if (listed === undefined) expect.fail();
    await when(
      unreadable(listed, { revision: null }),
      unreadable(listed, { stream: null, revision: 0n }),
      unreadable(listed, { stream: 'anime-x', revision: 0n }),
    );
    expect(await revision(1)).to.equal(null);
    expect(letters()).to.have.length(3);
  });

  it('lists an event of a stream that is not that of an anime, and continues', async () => {
    const { items, when, letters, isEqual } = given(...anime(1));
    const [listed] = items;
    if (listed === undefined) expect.fail();
    await when({ ...listed, event: { ...listed.event, stream: 'manga-1' } }, ...items);
    const reason = 'the stream is not that of an anime';
    expect(letters()).to.deep.equal([{ stream: 'manga-1', revision: 0, reason }]);
    expect(await isEqual()).to.be.true;
  });

  it('takes a record that does not say of which log it is', async () => {
    const { items, when, isEqual } = given(...anime(1));
    await when(...items.map((item) => ({ ...item, logId: null })));
    expect(await isEqual()).to.be.true;
  });

  for (const [name, data, reason] of [
    ['an array', [], 'data is not a JSON object'],
    ['wrong types', { ...encode(events.rating), userId: { $gt: '' } }, 'userId is not a user id'],
    [
      'another anime',
      { ...encode(events.rating), animeId: 2 },
      'animeId is not that of the stream',
    ],
  ] as const) {
    it(`says in the dead letter why an event with ${name} cannot be read`, async () => {
      const { items, when, letters } = given(...anime(1));
      const last = items[3];
      if (last === undefined) expect.fail();
      const bytes = Buffer.from(JSON.stringify(data));
      await when({ ...last, event: { ...last.event, data: bytes } });
      expect(letters()).to.deep.equal([{ stream: 'anime-1', revision: 3, reason }]);
    });
  }

  it('fills in at once what an item lacks', async () => {
    const { items, when, revision } = given(...anime(1));
    const last = items[3];
    if (last === undefined) expect.fail();
    await when(...items.slice(0, 3), unreadable(last));
    expect(await revision(1)).to.equal(3);
  });

  it('skips, notes and lists a stored event that cannot be read', async () => {
    const history = [...anime(1), of(1, 'malformed'), of(1, 'unknown type'), of(1, events.click)];
    const { items, documents, when, letters, isEqual } = given(...history);
    await when(...items);
    expect((await documents.animes([animeId(1)]))[0]?.skipped).to.deep.equal([4, 5]);
    expect(letters().map(({ stream, revision }) => [stream, revision])).to.deep.equal([
      ['anime-1', 4],
      ['anime-1', 5],
    ]);
    expect(await isEqual()).to.be.true;
  });

  it('reports skipped events, also after a restart, until they are ignored', async () => {
    const history = [...anime(1), of(1, 'unknown type'), of(1, 'ignored so far')];
    const { items, projector, documents, when, isEqual } = given(...history);
    await when(...items.slice(0, 5));
    const detail = 'Event 4 of anime-1 cannot be read and is not counted.';
    expect(projector.skippedEvents.all()).to.have.length(1);
    expect(projector.skippedEvents.all()[0]).to.include({ stream: 'anime-1', detail });
    const { store } = logOf(history);
    const restarted = projecting(store, documents);
    for await (const document of documents.allAnimes()) restarted.skippedEvents.note(document);
    expect(restarted.skippedEvents.all()[0]).to.include({ stream: 'anime-1', detail });
    await restarted.handle(batchOf(items));
    expect(restarted.skippedEvents.all()).to.deep.equal([]);
    expect((await documents.animes([animeId(1)]))[0]).to.deep.include({ revision: 5, skipped: [] });
    expect(await isEqual()).to.be.true;
  });

  it('reports skipped events as of the newest document that it was told of', async () => {
    const { items, projector, documents, when } = given(
      ...anime(1),
      of(1, 'unknown type'),
      of(1, 'malformed'),
    );
    const documentAfter = async (...delivered: readonly BusItem[]) => {
      await when(...delivered);
      return (await documents.animes([animeId(1)]))[0] ?? expect.fail();
    };
    const { skippedEvents } = projector;
    const none = await documentAfter(...items.slice(0, 4));
    const one = await documentAfter(...items.slice(4, 5));
    await documentAfter(...items.slice(5));
    const two = skippedEvents.all();
    for (const older of [none, one]) skippedEvents.note(older);
    expect(skippedEvents.all()).to.deep.equal(two);
    skippedEvents.note({ ...one, generation: 1 });
    const again = skippedEvents.all();
    skippedEvents.note({ ...none, revision: 9 });
    expect(skippedEvents.all()).to.deep.equal(again);
    skippedEvents.note({ ...none, generation: 2 });
    expect(skippedEvents.all()).to.deep.equal([]);
    skippedEvents.note({ ...one, generation: 1 });
    expect(skippedEvents.all()).to.deep.equal([]);
    skippedEvents.note({ ...one, generation: 3 });
    skippedEvents.note({ ...one, generation: 2 });
    expect(skippedEvents.all()).to.deep.equal(again);
  });

  it('says how many events of an anime it skipped', async () => {
    const { items, projector, when } = given(...anime(1), of(1, 'malformed'), of(1, 'malformed'));
    await when(...items);
    expect(projector.skippedEvents.all()[0]).to.include({
      detail: 'Event 4 of anime-1 cannot be read and is not counted, nor are 1 more.',
    });
  });

  it('holds a batch back until the dead letter is stored', async () => {
    const { store, items } = logOf([of(1, 'malformed')]);
    const documents = inMemoryDocuments();
    const full = new UnavailableError('The dead letters cannot be reached.');
    const projector = projecting(store, documents, {
      deadLetters: { add: () => Promise.reject(full), list: () => Promise.resolve([]) },
    });
    expect(await rejection(projector.handle(batchOf(items)))).to.equal(full);
    expect(await documents.animes([animeId(1)])).to.deep.equal([]);
  });

  for (const [name, lose, reason] of [
    [
      'truncated',
      (store: ReturnType<typeof given>['store']) => store.setMaxCount('anime-1', 1),
      'Stream anime-1 was truncated above revision 1.',
    ],
    [
      'tombstoned',
      (store: ReturnType<typeof given>['store']) => store.tombstoneStream('anime-1'),
      new StreamDeletedError('anime-1').message,
    ],
    [
      'deleted',
      (store: ReturnType<typeof given>['store']) => store.deleteStream('anime-1'),
      'Stream anime-1 was deleted.',
    ],
  ] as const) {
    it(`quarantines an anime whose stream was ${name} in a gap, with one alarm, and continues`, async () => {
      const { store, items, when, revision, alarms, letters, projector } = given(
        ...anime(1),
        ...anime(2),
      );
      await when(items[0]);
      await lose(store);
      await when(items[3], ...items.slice(4));
      await when(items[3]);
      expect(await revision(1)).to.equal(0);
      expect(await revision(2)).to.equal(3);
      expect(await alarms()).to.deep.equal([['quarantined', 1]]);
      expect([...projector.quarantine().keys()]).to.deep.equal([1]);
      expect(letters()).to.deep.equal([{ stream: 'anime-1', revision: 1, reason }]);
    });
  }

  it('fails, and quarantines nothing, where a gap cannot be read', async () => {
    const { store, items, documents } = given(...anime(1));
    const away = new UnavailableError('Away.');
    const unreachable = {
      ...store,
      read: () => {
        throw away;
      },
    };
    const projector = projecting(unreachable, documents);
    const last = items[3];
    if (last === undefined) expect.fail();
    expect(await rejection(projector.handle(batchOf([last])))).to.equal(away);
    expect(projector.quarantine().size).to.equal(0);
  });

  it('resumes a quarantined anime once the missing event arrives', async () => {
    const { store, items, when, projector, revision } = given(...anime(1));
    await when(items[0]);
    await store.setMaxCount('anime-1', 1);
    await when(items[3]);
    await when(...items);
    expect(await revision(1)).to.equal(3);
    expect(projector.quarantine().size).to.equal(0);
  });

  it('follows a quarantined anime again once its stream is whole, without an event of it', async () => {
    const { store, items, when, projector, revision, recheck } = given(...anime(1));
    await when(items[0]);
    await store.setMaxCount('anime-1', 1);
    await when(items[3]);
    await recheck();
    expect(projector.quarantine().size).to.equal(1);
    await store.setMaxCount('anime-1', 100);
    await recheck();
    expect(await revision(1)).to.equal(3);
    expect(projector.quarantine().size).to.equal(0);
  });

  it('raises no second alarm when it looks at a quarantined anime again', async () => {
    const { store, items, when, alarms, letters, recheck } = given(...anime(1));
    await when(items[0]);
    await store.tombstoneStream('anime-1');
    await when(items[3]);
    await recheck();
    await recheck();
    expect(await alarms()).to.deep.equal([['quarantined', 1]]);
    expect(letters()).to.have.length(1);
  });

  it('looks at an anime again only between its batches', async () => {
    const { store, items, documents } = given(...anime(1));
    const steps: string[] = [];
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const slow: DocumentStore = {
      ...documents,
      animes: (ids) => {
        steps.push('read');
        return documents.animes(ids);
      },
      save: async (batch) => {
        steps.push('save');
        await held;
        steps.push('saved');
        return documents.save(batch);
      },
    };
    const projector = projecting(store, slow);
    const handled = projector.handle(batchOf(items));
    await eventually(() => expect(steps).to.deep.equal(['read', 'save']));
    const rechecked = projector.recheck(animeId(1), 3, new AbortController().signal);
    setImmediate(release);
    await Promise.all([handled, rechecked]);
    expect(steps).to.deep.equal(['read', 'save', 'saved', 'read']);
  });

  it('keeps an anime in quarantine as long as its stream is deleted', async () => {
    const { store, items, when, projector, recheck } = given(...anime(1));
    await when(items[0]);
    await store.deleteStream('anime-1');
    await when(items[3]);
    await recheck();
    expect([...projector.quarantine().keys()]).to.deep.equal([1]);
  });

  it('takes a stream for whole that was appended to while it was read', async () => {
    const { store, items, documents } = given(...anime(1));
    const racing = appendedDuringFirstRead(store);
    const projector = projecting(racing, documents);
    const last = items[3];
    if (last === undefined) expect.fail();
    await projector.handle(batchOf([last]));
    expect(projector.quarantine().size).to.equal(0);
    expect((await documents.animes([animeId(1)]))[0]?.revision).to.equal(3);
  });

  it('takes the last event, which was appended while its stream was read', async () => {
    const { store, items, documents } = given(...anime(1));
    const racing = appendedDuringFirstRead(store);
    const last = items[3];
    if (last === undefined) expect.fail();
    const projector = projecting(racing, documents);
    // Nothing is read for documents that this projector has begun.
    await projector.handle(batchOf(items.slice(0, 3)));
    await projector.handle(batchOf([unreadable(last)]));
    expect((await documents.animes([animeId(1)]))[0]?.revision).to.equal(3);
  });

  const another = (item: EventItem | undefined): EventItem => {
    if (item === undefined) expect.fail();
    return { ...item, event: { ...item.event, id: 'another' } };
  };

  it('refuses a record whose event differs from the log at its revision, and continues', async () => {
    const { items, when, revision, alarms, letters } = given(...anime(1), ...anime(2));
    await when(...items.slice(0, 2));
    await when(another(items[1]), items[2]);
    await when(...items.slice(4));
    expect(await revision(1)).to.equal(2);
    expect(await revision(2)).to.equal(3);
    expect(await alarms()).to.deep.equal([['lost-record', 1]]);
    expect(letters()).to.have.length(0);
  });

  it('quarantines an anime where the log cannot tell which of two events is right', async () => {
    const { store, items, when, revision, alarms, letters } = given(...anime(1), ...anime(2));
    await when(...items.slice(0, 2));
    await store.tombstoneStream('anime-1');
    await when(another(items[1]), items[2]);
    await when(items[2], ...items.slice(4));
    expect(await revision(1)).to.equal(1);
    expect(await revision(2)).to.equal(3);
    expect(await alarms()).to.deep.equal([['another-log', 1]]);
    expect(letters()).to.have.length(1);
  });

  it('follows an anime of another log again once it was recomputed from this one', async () => {
    const { store, items, documents, projector, when, revision } = given(...anime(1));
    await when(...items.slice(0, 2));
    await store.setMaxCount('anime-1', 1);
    await when(another(items[1]));
    const [why] = [...projector.quarantine()].map(troubleOfQuarantined);
    expect(why).to.include({
      stream: 'anime-1',
      remedy: 'anime-analytics dead-letters replay anime-1',
    });
    expect(why?.detail).to.match(/^The documents of anime-1 are no longer updated\. .* recomputed/);
    await store.setMaxCount('anime-1', 100);
    const replay = { eventStore: store, documents, logId: LOG_ID, animeId: animeId(1) };
    expect(await replayAnime(replay)).to.include({ kind: 'replayed', revision: 3 });
    const [click] = logOf([of(1, events.click)]).store.log;
    if (click) store.record('anime-1', { ...click, id: 'new', metadata: {} });
    await projector.recheck(animeId(1), 4, new AbortController().signal);
    expect(await revision(1)).to.equal(4);
    expect(projector.quarantine().size).to.equal(0);
  });

  it('keeps an anime of another log in quarantine until it was recomputed', async () => {
    const { store, items, when, projector } = given(...anime(1));
    await when(...items);
    await store.deleteStream('anime-1');
    await when(another(items[3]));
    await projector.recheck(animeId(1), 3, new AbortController().signal);
    expect(projector.quarantine().get(animeId(1))).to.include({ kind: 'another-log' });
  });

  it('raises another alarm where an anime is of another log again after it was recomputed', async () => {
    const { store, items, documents, projector, when, alarms } = given(...anime(1));
    await when(...items.slice(0, 2));
    await store.setMaxCount('anime-1', 1);
    await when(another(items[1]));
    await store.setMaxCount('anime-1', 100);
    const replay = { eventStore: store, documents, logId: LOG_ID, animeId: animeId(1) };
    expect(await replayAnime(replay)).to.include({ kind: 'replayed', revision: 3 });
    await projector.recheck(animeId(1), 3, new AbortController().signal);
    const [click] = logOf([of(1, events.click)]).store.log;
    if (click) store.record('anime-1', { ...click, id: 'new', metadata: {} });
    await store.setMaxCount('anime-1', 1);
    await when(another(items[3]));
    await when(another(items[3]));
    expect(await alarms()).to.deep.equal([['another-log', 2]]);
  });

  it('says how to repair the stream of a quarantined anime', async () => {
    const { store, items, projector, when } = given(...anime(1));
    await when(items[0]);
    await store.setMaxCount('anime-1', 1);
    await when(items[3]);
    expect([...projector.quarantine()].map(troubleOfQuarantined)).to.deep.equal([
      {
        stream: 'anime-1',
        detail:
          'The documents of anime-1 are no longer updated. Stream anime-1 was truncated above revision 1.',
        remedy:
          'Remove $maxCount, $maxAge and $tb from the metadata of anime-1, then: anime-analytics dead-letters replay anime-1',
      },
    ]);
  });

  it('refuses a record of another log, and changes no document', async () => {
    const { items, when, revision, projector } = given(...anime(1));
    const [listed] = items;
    if (listed === undefined) expect.fail();
    const foreign = { ...listed, logId: 'another' };
    const error = await rejection(when(listed, foreign));
    expect(error).to.be.instanceOf(PortError).and.include({ code: 'CORRUPT', retriable: false });
    expect(projector.refusal()).to.match(/^An event is of the log another, but .* own topic/);
    expect(await revision(1)).to.equal(null);
    await when(listed);
    expect(projector.refusal()).to.equal(null);
  });

  it('says which record of another log it refuses, and raises an alarm', async () => {
    const { items, when, alarms } = given(...anime(1));
    const [listed] = items;
    if (listed === undefined) expect.fail();
    const error = await rejection(when({ ...listed, logId: 'another' }));
    expect(error).to.have.deep.property('context', {
      stream: 'anime-1',
      revision: 0,
      theirs: 'another',
    });
    expect(await alarms()).to.deep.equal([['another-log', 1]]);
  });

  it('releases an anime of a single event whose record was no event of its log', async () => {
    const { items, when, pass, projector, recheck } = given(of(1, events.listed));
    const [listed] = items;
    if (listed === undefined) expect.fail();
    await when(listed, { ...listed, event: { ...listed.event, revision: 99n } });
    pass(30_000);
    await projector.confirm(new AbortController().signal);
    expect([...projector.quarantine().keys()]).to.deep.equal([1]);
    await recheck();
    expect(projector.quarantine().size).to.equal(0);
  });

  it('releases an anime whose record was no event of its log once its stream is applied', async () => {
    const { items, when, revision, pass, projector, recheck } = given(...anime(1));
    const last = items[3];
    if (last === undefined) expect.fail();
    await when(...items, { ...last, event: { ...last.event, revision: 99n } });
    pass(30_000);
    await projector.confirm(new AbortController().signal);
    expect([...projector.quarantine().keys()]).to.deep.equal([1]);
    await recheck();
    expect(projector.quarantine().size).to.equal(0);
    expect(await revision(1)).to.equal(3);
  });

  it('does not trust the revision of an unreadable record', async () => {
    const { items, when, revision, pass, projector } = given(...anime(1));
    const [listed] = items;
    if (listed === undefined) expect.fail();
    await when(...items, unreadable(listed, { revision: 9_007_199_254_740_991n }));
    expect(await revision(1)).to.equal(3);
    pass(60_000);
    await projector.confirm(new AbortController().signal);
    expect(projector.quarantine().size).to.equal(0);
  });

  it('recomputes an anime once a part is of a later generation', async () => {
    const { items, documents, when, isEqual } = given(...anime(1), of(1, events.rating));
    await when(...items.slice(0, 4));
    const [part] = await documents.interactions([
      { animeId: animeId(1), userId: events.rating.data.userId },
    ]);
    if (part === undefined) expect.fail();
    const begun = { ...part, generation: 1, revision: 1, views: 0, seconds: 0, ratings: [] };
    await documents.save({
      interactions: [{ ...begun, lastViewAt: null }],
      days: [],
      animes: [],
    });
    // The cache of a projector that was there before does not know; the next one reads it.
    const successor = projecting(given(...anime(1), of(1, events.rating)).store, documents);
    await successor.handle(batchOf(items));
    expect((await documents.animes([animeId(1)]))[0]).to.include({ generation: 1, revision: 4 });
    expect(await isEqual()).to.be.true;
  });

  it('leaves a recomputation that another began to whoever comes after a crash', async () => {
    const { store, items, documents, when, isEqual } = given(...anime(1), of(1, events.click));
    await when(...items.slice(0, 4));
    const begun = anInteraction({ generation: 1 });
    await documents.save({ interactions: [begun], days: [], animes: [] });
    let saves = 0;
    const dying: DocumentStore = {
      ...documents,
      save: (batch) => {
        saves += 1;
        return saves > 1 ? Promise.reject(new Error('Killed.')) : documents.save(batch);
      },
    };
    const [, , , , last] = items;
    if (last === undefined) expect.fail();
    await rejection(projecting(store, dying).handle(batchOf([last])));
    expect((await documents.animes([animeId(1)]))[0]).to.include({ generation: 1, revision: -1 });
    await projecting(store, documents).recheck(animeId(1), 4, new AbortController().signal);
    expect(await isEqual()).to.be.true;
  });

  it('counts nothing on a part that a projector of an earlier generation saved late', async () => {
    const { store, items, documents, isEqual } = given(...anime(1));
    const earlier = logOf(anime(1)).store;
    earlier.keepFirst(1);
    const replay = { eventStore: earlier, documents, logId: LOG_ID, animeId: animeId(1) };
    await projecting(store, documents).handle(batchOf(items.slice(0, 1)));
    await replayAnime(replay);
    const late = anInteraction({ revision: 1, clicks: 7 });
    const day = aDay({ revision: 1, clicks: 7 });
    await documents.save({ interactions: [late], days: [day], animes: [] });
    await projecting(store, documents).handle(batchOf(items));
    expect((await documents.animes([animeId(1)]))[0]).to.include({ generation: 1, revision: 3 });
    expect(await isEqual()).to.be.true;
  });

  it('waits for another writer 20 times before it gives up a batch', async () => {
    const { store, items, documents, isEqual } = given(...anime(1));
    let saves = 0;
    const refusing: DocumentStore = {
      ...documents,
      save: (batch) => {
        saves += 1;
        return saves <= 20 ? Promise.resolve({ refused: 1 }) : documents.save(batch);
      },
    };
    await projecting(store, refusing).handle(batchOf(items));
    expect(await isEqual()).to.be.true;
  });

  it('gives up a batch where another writer keeps recomputing its anime', async () => {
    const { store, items, documents } = given(...anime(1));
    let generation = 0;
    const recomputed: DocumentStore = {
      ...documents,
      interactions: (keys) => {
        generation += 1;
        const parts = keys.map((key) => ({ ...emptyInteraction(key, generation), revision: 9 }));
        return generation < 100 ? Promise.resolve(parts) : documents.interactions(keys);
      },
    };
    const error = await rejection(projecting(store, recomputed).handle(batchOf(items)));
    expect(error).to.be.instanceOf(UnavailableError);
  });

  it('gives up a batch, which comes again, where another writer keeps changing its documents', async () => {
    const { store, items, documents } = given(...anime(1));
    let saves = 0;
    const refusing: DocumentStore = {
      ...documents,
      save: (batch) => {
        saves += 1;
        return saves < 100 ? Promise.resolve({ refused: 1 }) : documents.save(batch);
      },
    };
    const projector = projecting(store, refusing);
    const error = await rejection(projector.handle(batchOf(items)));
    expect(error).to.be.instanceOf(UnavailableError);
    saves = 100;
    await projector.handle(batchOf(items));
    expect((await documents.animes([animeId(1)]))[0]?.revision).to.equal(3);
  });

  it('stops at once when the partition is revoked', async () => {
    const { items, projector, revision } = given(...anime(1));
    const lost = new AbortController();
    lost.abort();
    const error = await rejection(projector.handle(batchOf(items, lost.signal)));
    expect(error).to.have.property('name', 'AbortError');
    expect(await revision(1)).to.equal(null);
  });
});
