import { expect } from 'chai';
import { UnavailableError } from '../../src/ports/errors.js';
import type { EventStore } from '../../src/ports/event-store.js';
import type {
  AnimeDocument,
  DailyActivityDocument,
  DocumentStore,
  InteractionDocument,
} from '../../src/ports/read-store.js';
import { compareWithLog, type CompareOptions } from '../../src/read-side/audit/compare.js';
import { expectedAnime } from '../../src/read-side/audit/compare-anime.js';
import {
  aheadOf,
  headsOf,
  headsSince,
  lateOf,
  waitForLate,
} from '../../src/read-side/audit/heads.js';
import { emptyAnime } from '../../src/read-side/rebuild/replay.js';
import { cachedAnimeOf, foldRun } from '../../src/read-side/projector/fold.js';
import { fromRecorded } from '../../src/wire/stream-event.js';
import { encodeIgnored, EVENTS_IGNORED } from '../../src/wire/upcast.js';
import { animeId, AT, COWBOY_BEBOP, events, userId } from '../support/examples.js';
import { itemsOf, logOf, type Happening } from '../support/histories.js';
import { inMemoryDocuments } from '../support/in-memory-documents.js';
import { batchOf, projecting } from '../support/projecting.js';
import { rejectionOf } from '../support/rejection-of.js';

const by = (user: string, event: Exclude<Happening['event'], string>, anime = 1): Happening => {
  const data = { ...event.data, animeId: animeId(anime), userId: userId(user) };
  return { anime, event: { ...event, data } as typeof event };
};

const FIRST: readonly Happening[] = [
  { anime: 1, event: events.listed },
  by('faye', events.click),
  by('spike', events.rating),
  by('spike', events.view),
  by('spike', events.rating),
];

const LATER: readonly Happening[] = [
  by('spike', events.rating),
  by('faye', events.click),
  by('jet', events.click),
];

const signal = new AbortController().signal;

/** The documents of a history: its beginning in one batch, each later event in its own. */
const given = async (first: readonly Happening[] = FIRST, later: readonly Happening[] = []) => {
  const { store: eventStore, items } = logOf([...first, ...later]);
  const projected = async (count: number): Promise<DocumentStore> => {
    const documents = inMemoryDocuments();
    const { handle } = projecting(eventStore, documents);
    await handle(batchOf(items.slice(0, first.length)));
    for (const item of items.slice(first.length, count)) await handle(batchOf([item]));
    return documents;
  };
  const documents = await projected(items.length);
  return {
    eventStore,
    documents,
    /** What was stored before the later events came. */
    before: await projected(first.length),
    compared: (over: DocumentStore = documents, options: Partial<CompareOptions> = {}) =>
      compareWithLog({ eventStore, documents: over, ...options }),
  };
};

interface Tampering {
  readonly anime?: (document: AnimeDocument) => AnimeDocument;
  readonly user?: (document: InteractionDocument) => InteractionDocument | null;
  readonly day?: (document: DailyActivityDocument) => DailyActivityDocument | null;
}

async function* mapped<Item>(items: AsyncIterable<Item>, change: (item: Item) => Item | null) {
  for await (const item of items) {
    const changed = change(item);
    if (changed !== null) yield changed;
  }
}

const tampered = (documents: DocumentStore, change: Tampering): DocumentStore => ({
  ...documents,
  allAnimes: () => mapped(documents.allAnimes(), change.anime ?? ((each) => each)),
  allInteractions: (id) => mapped(documents.allInteractions(id), change.user ?? ((each) => each)),
  allDays: (id) => mapped(documents.allDays(id), change.day ?? ((each) => each)),
});

const ofSpike =
  (change: Partial<InteractionDocument> | null) =>
  (document: InteractionDocument): InteractionDocument | null => {
    if (document.userId !== userId('spike')) return document;
    return change === null ? null : { ...document, ...change };
  };

describe('comparing the documents with the log', () => {
  it('finds correct documents equal, and says how much it compared', async () => {
    const { compared } = await given([...FIRST, ...LATER, by('ed', events.click, 2)]);
    const shown: unknown[] = [];
    const found = await compared(undefined, { onProgress: (progress) => shown.push(progress) });
    expect(found).to.deep.equal({
      animes: 2,
      documents: 8,
      events: 9,
      differing: 0,
      differences: [],
      behind: [],
      ahead: [],
      incomparable: [],
      equal: true,
    });
    expect(shown).to.deep.equal([
      { animes: 0, total: 2 },
      { animes: 1, total: 2 },
    ]);
  });

  for (const wrong of [
    { status: 'delisted' },
    { details: { ...COWBOY_BEBOP, title: 'Another' } },
    { clicks: 7 },
    { views: 7 },
    { seconds: 7 },
    { ratingCount: 7 },
    { ratingSum: 7 },
    { ratingBuckets: [0, 0, 0, 0, 0, 0, 0, 0, 1, 0] },
    { lastEventId: 'another' },
    { skipped: [7] },
  ] as const satisfies readonly Partial<AnimeDocument>[]) {
    const field = Object.keys(wrong).join();
    it(`reports an anime whose ${field} is wrong, with what is expected`, async () => {
      const { documents, compared } = await given();
      const anime = (document: AnimeDocument) => ({ ...document, ...wrong });
      const { differences, equal } = await compared(tampered(documents, { anime }));
      const [right] = await documents.animes([animeId(1)]);
      expect(differences.map(({ document, revision }) => [document, revision])).to.deep.equal([
        ['anime', 4],
      ]);
      if (field !== 'lastEventId') expect(differences[0]?.expected).to.deep.equal(right);
      expect(equal).to.be.false;
    });
  }

  for (const wrong of [
    { clicks: 7 },
    { views: 7 },
    { seconds: 7 },
    { lastClickAt: AT },
    { lastViewAt: null },
    { ratings: [] },
    { revision: 2 },
  ] as const satisfies readonly Partial<InteractionDocument>[]) {
    it(`reports a user whose ${Object.keys(wrong).join()} is wrong`, async () => {
      const { documents, compared } = await given();
      const found = await compared(tampered(documents, { user: ofSpike(wrong) }));
      expect(found.differences.map(({ document }) => document)).to.include('interaction of spike');
    });
  }

  for (const wrong of [
    { clicks: 7 },
    { views: 7 },
    { ratings: 7 },
    { seconds: 7 },
    { revision: 99 },
  ] as const satisfies readonly Partial<DailyActivityDocument>[]) {
    it(`reports a day whose ${Object.keys(wrong).join()} is wrong`, async () => {
      const { documents, compared } = await given();
      const day = (document: DailyActivityDocument) => ({ ...document, ...wrong });
      const { differences } = await compared(tampered(documents, { day }));
      expect(differences.map(({ document }) => document)).to.deep.equal(['day 2026-11-24']);
    });
  }

  it('reports documents that are missing, with the revision that they should have', async () => {
    const { documents, compared } = await given();
    const found = await compared(tampered(documents, { user: () => null, day: () => null }));
    const missing = { animeId: 1, revision: 4, actual: undefined };
    expect(found.differences).to.deep.equal([
      { ...missing, document: 'missing or late: faye', expected: 1 },
      { ...missing, document: 'missing or late: spike', expected: 4 },
      { ...missing, document: 'missing or late: 2026-11-24', expected: 4 },
    ]);
  });

  it('reports a user whose document is behind that of the anime', async () => {
    const { documents, before, compared } = await given(FIRST, LATER);
    const [old] = await before.interactions([{ animeId: animeId(1), userId: userId('spike') }]);
    const { differences } = await compared(tampered(documents, { user: ofSpike(old ?? null) }));
    expect(differences).to.deep.equal([
      { animeId: 1, document: 'missing or late: spike', revision: 7, expected: 5, actual: 4 },
    ]);
  });

  it('lists as many differences as asked for, and counts all', async () => {
    const { documents, compared } = await given();
    const user = (document: InteractionDocument) => ({ ...document, seconds: 7 });
    const found = await compared(tampered(documents, { user }), { maxDifferences: 1 });
    expect(found.differences).to.have.length(1);
    expect(found.differing).to.equal(2);
  });

  it('accepts parts that were saved before their anime', async () => {
    const { documents, before, compared } = await given(FIRST, LATER);
    const halfway = {
      ...before,
      allInteractions: (id: AnimeDocument['animeId']) =>
        mapped(documents.allInteractions(id), (user) =>
          user.userId === userId('jet') ? null : user,
        ),
    };
    const found = await compared(halfway);
    expect(found.differences).to.deep.equal([]);
    expect(found.behind).to.deep.equal([{ animeId: 1, head: 7, by: 3 }]);
    expect(found.equal).to.be.false;
  });

  it('accepts that one user is ahead of the anime and another is not', async () => {
    const { documents, before, compared } = await given(FIRST, LATER);
    const [faye] = await documents.interactions([{ animeId: animeId(1), userId: userId('faye') }]);
    if (faye === undefined) expect.fail();
    const user = (document: InteractionDocument) =>
      document.userId === faye.userId ? faye : document;
    expect((await compared(tampered(before, { user }))).differences).to.deep.equal([]);
  });

  it('accepts ratings that were trimmed since it read the anime', async () => {
    const { documents, before, compared } = await given(FIRST, [...LATER, ...LATER]);
    const meanwhile = { ...documents, allAnimes: () => before.allAnimes() };
    expect((await compared(meanwhile)).differences).to.deep.equal([]);
  });

  it('reports ratings that were trimmed although the anime needs them', async () => {
    const { documents, before, compared } = await given(FIRST, LATER);
    const [spike] = await documents.interactions([
      { animeId: animeId(1), userId: userId('spike') },
    ]);
    if (spike === undefined) expect.fail();
    const user = ofSpike({ ...spike, ratings: spike.ratings.slice(-1) });
    const { differences } = await compared(tampered(before, { user }));
    expect(differences.map(({ document }) => document)).to.deep.equal(['interaction of spike']);
  });

  it('reads the events of a document that is behind, and no later ones', async () => {
    const { before, compared } = await given(FIRST, LATER);
    expect(await compared(before)).to.deep.include({ events: 5, differences: [] });
  });

  for (const history of [FIRST, FIRST.slice(0, 1)]) {
    it(`takes an emptied anime for late, not for wrong, of ${history.length} events`, async () => {
      const { compared } = await given(history);
      const emptied = inMemoryDocuments();
      await emptied.save({ interactions: [], days: [], animes: [emptyAnime(animeId(1), 1)] });
      const found = await compared(emptied);
      expect(found).to.deep.include({ differences: [], ahead: [], incomparable: [] });
      const by = history.length;
      expect(found.behind).to.deep.equal([{ animeId: 1, head: by - 1, by }]);
    });
  }

  it('does not compare an emptied anime that the log does not have', async () => {
    const { documents, compared } = await given();
    await documents.save({ interactions: [], days: [], animes: [emptyAnime(animeId(9), 1)] });
    expect(await compared()).to.deep.include({ incomparable: [], documents: 4, equal: true });
  });

  it('lists an anime as ahead whose only event the log has lost', async () => {
    const { eventStore, compared } = await given([...FIRST, by('ed', events.click, 2)]);
    eventStore.keepFirst(FIRST.length);
    expect(await compared()).to.deep.include({ ahead: [2], behind: [], incomparable: [] });
  });

  it('lists an anime without a document as late', async () => {
    const { compared } = await given();
    const { behind, equal } = await compared(inMemoryDocuments());
    expect(behind).to.deep.equal([{ animeId: 1, head: 4, by: 5 }]);
    expect(equal).to.be.false;
  });

  for (const lose of ['deleteStream', 'tombstoneStream'] as const) {
    it(`compares no anime whose stream was removed by ${lose}, with or without a document`, async () => {
      const { eventStore, compared } = await given();
      await eventStore[lose]('anime-1');
      for (const documents of [undefined, inMemoryDocuments()]) {
        const found = await compared(documents);
        expect(found).to.deep.include({ incomparable: [1], behind: [], events: 0, equal: true });
      }
    });
  }

  it('fails where a stream cannot be read', async () => {
    const { eventStore } = await given();
    const away = new UnavailableError('Away.');
    const unreachable: EventStore = {
      ...eventStore,
      read: () => {
        throw away;
      },
    };
    const documents = inMemoryDocuments();
    const compared = compareWithLog({ eventStore: unreachable, documents });
    expect(await rejectionOf(compared)).to.equal(away);
  });

  it('compares no anime whose stream was truncated', async () => {
    const { eventStore, compared } = await given();
    await eventStore.setMaxCount('anime-1', 1);
    expect(await compared()).to.deep.include({ incomparable: [1], documents: 0 });
  });

  it('agrees with the projector on sums of seconds, which end at 2^53-1', () => {
    const { store } = logOf([by('spike', events.view), by('faye', events.view)]);
    const run = store.log.flatMap((recorded) => {
      const reading = fromRecorded(recorded, null);
      if (reading.kind !== 'event' || reading.event.decoded.kind !== 'event') return [];
      const { event } = reading.event.decoded;
      const long = { ...event, data: { ...event.data, durationSeconds: 2 ** 52 } } as typeof event;
      return [{ ...reading.event, decoded: { kind: 'event' as const, event: long } }];
    });
    const { anime } = foldRun(cachedAnimeOf(animeId(1), 0, null), run);
    expect(anime.seconds).to.equal(2 ** 53 - 1);
    expect(expectedAnime(run).seconds).to.equal(anime.seconds);
  });

  it('agrees with the projector on the newest hundred unreadable events', async () => {
    const malformed: readonly Happening[] = Array.from({ length: 103 }, () => ({
      anime: 1,
      event: 'malformed',
    }));
    const { documents, compared } = await given([{ anime: 1, event: events.listed }, ...malformed]);
    const [anime] = await documents.animes([animeId(1)]);
    expect(anime?.skipped).to.have.length(100).and.to.include(103);
    expect((await compared()).equal).to.be.true;
  });

  it('agrees with the projector on a range of events that is ignored', async () => {
    const malformed: readonly Happening[] = Array.from({ length: 5 }, () => ({
      anime: 1,
      event: 'malformed',
    }));
    const { store: eventStore } = logOf(malformed);
    const range = { animeId: animeId(1), occurredAt: AT, from: 1, to: 3, reason: 'A test.' };
    const data = new TextEncoder().encode(JSON.stringify(encodeIgnored(range)));
    eventStore.record('anime-1', { id: 'ignored', type: EVENTS_IGNORED, data, metadata: {} });
    const documents = inMemoryDocuments();
    await projecting(eventStore, documents).handle(batchOf(itemsOf(eventStore)));
    expect((await documents.animes([animeId(1)]))[0]?.skipped).to.deep.equal([0, 4]);
    expect((await compareWithLog({ eventStore, documents })).equal).to.be.true;
  });
});

describe('the documents that are late or ahead', () => {
  it('are told by their revisions, and those without a document by the whole stream', async () => {
    const { eventStore, before } = await given([...FIRST, by('ed', events.click, 2)], LATER);
    const heads = await headsOf(eventStore, signal);
    expect([...heads]).to.deep.equal([
      [1, 7],
      [2, 0],
    ]);
    expect(await lateOf(before, heads)).to.deep.equal([{ animeId: 1, head: 7, by: 3 }]);
    expect(await lateOf(inMemoryDocuments(), heads)).to.deep.equal([
      { animeId: 1, head: 7, by: 8 },
      { animeId: 2, head: 0, by: 1 },
    ]);
  });

  it('are found from a position on, up to the last event of whatever stream', async () => {
    const { eventStore } = await given(FIRST, LATER);
    const other = { id: 'x', type: 'Note', data: new Uint8Array(), metadata: {} };
    const { position: upTo } = eventStore.record('note-1', other);
    const [, second] = eventStore.log;
    if (second === undefined) expect.fail();
    const found = await headsSince(eventStore, second.position, signal);
    expect({ ...found, heads: [...found.heads] }).to.deep.equal({ heads: [[1, 7]], upTo });
    const none = await headsSince(eventStore, upTo, signal);
    expect(none).to.deep.equal({ heads: new Map(), upTo: null });
  });

  it('are those of anime alone, whatever other streams are called', async () => {
    const { eventStore } = await given();
    const other = { id: 'x', type: 'Note', data: new Uint8Array(), metadata: {} };
    eventStore.record('anime-x', other);
    expect([...(await headsOf(eventStore, signal))]).to.deep.equal([[1, 4]]);
  });

  it('are ahead where the log no longer has their last event', async () => {
    const { eventStore, documents } = await given([...FIRST, by('ed', events.click, 2)], LATER);
    const ahead = async () => aheadOf(eventStore, documents, await headsOf(eventStore, signal));
    expect(await ahead()).to.equal(0);
    eventStore.keepFirst(FIRST.length + 1);
    expect(await ahead()).to.equal(1);
    eventStore.keepFirst(0);
    expect(await ahead()).to.equal(2);
  });

  it('are not ahead where their stream was deleted', async () => {
    const { eventStore, documents } = await given();
    await eventStore.deleteStream('anime-1');
    expect(await aheadOf(eventStore, documents, new Map())).to.equal(0);
  });

  it('are not ahead where they were emptied, whatever the log has', async () => {
    const { eventStore } = await given();
    const documents = inMemoryDocuments();
    const animes = [1, 9].map((id) => emptyAnime(animeId(id), 1));
    await documents.save({ interactions: [], days: [], animes });
    for (const heads of [await headsOf(eventStore, signal), new Map()]) {
      expect(await aheadOf(eventStore, documents, heads)).to.equal(0);
    }
  });

  it('are still late after a look that finds them where they were', async () => {
    const { eventStore, before } = await given(FIRST, LATER);
    const late = await lateOf(before, await headsOf(eventStore, signal));
    expect(await waitForLate(before, late, { waitMs: 1, signal })).to.deep.equal(late);
  });

  it('are waited for until they have caught up, or the time is over', async () => {
    const { eventStore, documents, before } = await given(FIRST, LATER);
    const late = await lateOf(before, await headsOf(eventStore, signal));
    const waiting = { waitMs: 60_000, signal };
    expect(await waitForLate(documents, late, waiting)).to.deep.equal([]);
    expect(await waitForLate(before, late, { ...waiting, waitMs: 0 })).to.deep.equal(late);
    expect(
      await waitForLate(before, late, { ...waiting, signal: AbortSignal.abort() }),
    ).to.deep.equal(late);
  });
});
