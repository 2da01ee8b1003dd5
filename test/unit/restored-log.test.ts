import { expect } from 'chai';
import type { DocumentStore } from '../../src/ports/read-store.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { troubleOfAhead } from '../../src/read-side/projector/ahead-of-log.js';
import { checkDocuments } from '../../src/read-side/rebuild/check-documents.js';
import { compareWithLog } from '../../src/read-side/audit/compare.js';
import { replayAnime } from '../../src/read-side/rebuild/replay.js';
import { animeId, events, userId } from '../support/examples.js';
import { LOG_ID, logOf, itemsOf, type Happening } from '../support/histories.js';
import { inMemoryDocuments } from '../support/in-memory-documents.js';
import { batchOf, projecting, raisedAlarms, unreadable } from '../support/projecting.js';

const of = (
  anime: number,
  event: Exclude<Happening['event'], string>,
  user = 'spike',
): Happening => {
  const data = { ...event.data, animeId: animeId(anime), userId: userId(user) };
  return { anime, event: { ...event, data } as typeof event };
};

/** Documents of a longer log than the one that is there. */
const restored = async (history: readonly Happening[], kept: number) => {
  const { store, items } = logOf(history);
  const documents = inMemoryDocuments();
  let now = 1_000_000;
  const running = projecting(store, documents, { now: () => now });
  await running.handle(batchOf(items));
  store.keepFirst(kept);
  const projector = projecting(store, documents);
  let copies = 0;
  return {
    store,
    documents,
    projector,
    /** Was there before and has computed the documents. */
    running,
    pass: (milliseconds: number) => (now += milliseconds),
    lostRecords: items.slice(kept),
    /** New commands, with ids that no log had before. */
    happens: (...happened: readonly Happening[]) => {
      for (const { stream, type, data } of logOf(happened).store.log) {
        copies += 1;
        const id = `20000000-0000-4000-8000-${copies.toString().padStart(12, '0')}`;
        store.record(stream, { id, type, data, metadata: {} });
      }
    },
    newRecords: () => itemsOf(store).slice(kept),
    check: (options: Partial<Parameters<typeof checkDocuments>[0]> = {}) =>
      checkDocuments({
        eventStore: store,
        documents,
        projector,
        logger: silentLogger(),
        keeps: false,
        isIdle: () => true,
        signal: new AbortController().signal,
        waitMs: 0,
        ...options,
      }),
    anime: async (id: number) => (await documents.animes([animeId(id)]))[0],
    compared: () => compareWithLog({ eventStore: store, documents }),
    alarms: () => raisedAlarms(projector.metrics),
  };
};

/** Its nth save fails, the others do not. */
const failingSave = (documents: DocumentStore, nth: number): DocumentStore => {
  let saves = 0;
  return {
    ...documents,
    save: (batch) => {
      saves += 1;
      return saves === nth ? Promise.reject(new Error('The disk is full.')) : documents.save(batch);
    },
  };
};

const LISTED = [of(1, events.listed), of(2, events.listed)];
const CLICKS = [of(1, events.click), of(1, events.click, 'faye'), of(1, events.rating, 'faye')];

describe('a log that was restored under newer documents', () => {
  it('counts new commands on an anime whose document was ahead of its stream', async () => {
    const log = await restored([...LISTED, ...CLICKS], 2);
    log.happens(of(1, events.view, 'jet'));
    await log.projector.handle(batchOf(log.newRecords()));
    expect(await log.anime(1)).to.include({ revision: 1, generation: 1, clicks: 0, views: 1 });
    expect(await log.alarms()).to.deep.equal([['ahead-of-log', 1]]);
    expect(log.projector.ahead().size).to.equal(0);
    expect((await log.compared()).equal).to.be.true;
  });

  it('counts new commands up to the revision that the document had, and beyond', async () => {
    const log = await restored([...LISTED, ...CLICKS], 2);
    log.happens(...Array.from({ length: 6 }, () => of(1, events.view, 'jet')));
    for (const record of log.newRecords()) await log.projector.handle(batchOf([record]));
    expect(await log.anime(1)).to.include({ revision: 6, clicks: 0, views: 6, ratingCount: 0 });
    expect((await log.compared()).equal).to.be.true;
  });

  it('asks the log once where the events of a correct document are redelivered', async () => {
    const log = await restored([...LISTED, ...CLICKS], 5);
    let reads = 0;
    const counting: typeof log.store = {
      ...log.store,
      read: (...call) => {
        reads += 1;
        return log.store.read(...call);
      },
    };
    const projector = projecting(counting, log.documents);
    const items = itemsOf(log.store);
    for (const record of [...items, ...items]) await projector.handle(batchOf([record]));
    expect(reads).to.equal(2);
    expect((await log.anime(1))?.generation).to.equal(0);
  });

  it('detects documents that are ahead without a new event, and drops what the log lost', async () => {
    const log = await restored([...LISTED, ...CLICKS], 2);
    expect((await log.compared()).ahead).to.deep.equal([1]);
    expect(await log.check()).to.deep.equal({ ahead: 1, late: 0, complete: true });
    expect(await log.anime(1)).to.include({ revision: 0, clicks: 0, ratingCount: 0 });
    expect((await log.compared()).equal).to.be.true;
    const users = log.documents.allInteractions(animeId(1));
    for await (const { revision } of users) expect(revision).to.equal(-1);
    expect(await log.check()).to.deep.equal({ ahead: 0, late: 0, complete: true });
  });

  it('empties an anime whose stream the log does not have, and accepts it again', async () => {
    const log = await restored([...LISTED, of(3, events.listed), of(3, events.click)], 2);
    await log.check();
    expect(await log.anime(3)).to.include({ revision: -1, status: 'delisted', clicks: 0 });
    expect(await log.alarms()).to.deep.equal([['ahead-of-log', 1]]);
    expect(log.projector.quarantine().size).to.equal(0);
    expect((await log.compared()).equal).to.be.true;
    log.happens(of(3, events.listed));
    await log.projector.handle(batchOf(log.newRecords()));
    expect(await log.anime(3)).to.include({ revision: 0, generation: 1, status: 'listed' });
    expect((await log.compared()).equal).to.be.true;
  });

  for (const lose of ['deleteStream', 'tombstoneStream'] as const) {
    it(`keeps an anime whose stream somebody removed by ${lose}`, async () => {
      const log = await restored([...LISTED, ...CLICKS], 5);
      await log.store[lose]('anime-1');
      expect(await log.check()).to.deep.equal({ ahead: 0, late: 0, complete: true });
      expect(await log.anime(1)).to.include({ revision: 3, generation: 0 });
    });
  }

  it('refuses a record that the log lost at the revision of a correct document, and continues', async () => {
    const log = await restored([...LISTED, of(1, events.click)], 2);
    log.happens(of(1, events.view));
    await log.projector.handle(batchOf(log.newRecords()));
    log.happens(of(1, events.view));
    await log.projector.handle(batchOf([...log.lostRecords, ...log.newRecords()]));
    expect(await log.anime(1)).to.include({ revision: 2, clicks: 0, views: 2 });
    expect(await log.alarms()).to.deep.include(['lost-record', 1]);
  });

  it('keeps no record counted that the log lost and the topic kept', async () => {
    const log = await restored([...LISTED, ...CLICKS], 2);
    const fresh = inMemoryDocuments();
    const projector = projecting(log.store, fresh);
    log.happens(of(1, events.view));
    const topic = [...itemsOf(log.store).slice(0, 2), ...log.lostRecords, ...log.newRecords()];
    for (const record of topic) await projector.handle(batchOf([record]));
    const compared = await compareWithLog({ eventStore: log.store, documents: fresh });
    expect(compared.equal).to.be.true;
  });

  it('updates documents that were restored alone, whatever the offset of the group', async () => {
    const { store, items } = logOf([...LISTED, ...CLICKS, of(3, events.listed)]);
    const documents = inMemoryDocuments();
    const projector = projecting(store, documents);
    await projector.handle(batchOf(items.slice(0, 3)));
    const check = (isIdle: boolean) =>
      checkDocuments({
        eventStore: store,
        documents,
        projector,
        logger: silentLogger(),
        keeps: true,
        isIdle: () => isIdle,
        signal: new AbortController().signal,
        waitMs: 0,
      });
    expect(await check(false)).to.deep.equal({ ahead: 0, late: 0, complete: false });
    expect(await check(true)).to.deep.equal({ ahead: 0, late: 2, complete: true });
    expect((await compareWithLog({ eventStore: store, documents })).equal).to.be.true;
    expect(await documents.flushed()).to.deep.equal(store.log.at(-1)?.position);
  });

  it('continues recomputing an anime after a failure halfway', async () => {
    const views = Array.from({ length: 9 }, () => of(1, events.view));
    const log = await restored([...LISTED, ...views, ...CLICKS], 11);
    const failing = failingSave(log.documents, 4);
    const projector = projecting(log.store, failing, { gapFillLimit: 2 });
    const check = () => log.check({ documents: failing, projector });
    const error: unknown = await check().catch((reason: unknown) => reason);
    expect(error).to.have.property('message', 'The disk is full.');
    expect([...projector.ahead()].map(troubleOfAhead)[0]?.detail).to.match(
      /^The documents of anime-1 held events that the log does not have.* up to revision 9\.$/,
    );
    await check();
    expect(projector.ahead().size).to.equal(0);
    expect(await log.anime(1)).to.include({ revision: 9, views: 9, clicks: 0 });
    expect((await log.compared()).equal).to.be.true;
  });

  it('is recomputed to its end after a failure halfway, whatever event of it comes next', async () => {
    const views = Array.from({ length: 9 }, () => of(1, events.view));
    const log = await restored([...LISTED, ...views, ...CLICKS], 11);
    const failing = failingSave(log.documents, 4);
    const projector = projecting(log.store, failing, { gapFillLimit: 2 });
    await log.check({ documents: failing, projector }).catch(() => undefined);
    expect([...projector.ahead()]).to.deep.equal([[1, 9]]);
    await projector.handle(batchOf(itemsOf(log.store).slice(0, 1)));
    expect(projector.ahead().size).to.equal(0);
    expect((await log.compared()).equal).to.be.true;
  });

  it('raises one alarm for an anime, also where recomputing it fails and begins again', async () => {
    const log = await restored([...LISTED, ...CLICKS], 2);
    const failing = failingSave(log.documents, 1);
    const projector = projecting(log.store, failing);
    const check = () => log.check({ documents: failing, projector });
    await check().catch(() => undefined);
    expect(projector.ahead().size).to.equal(1);
    await check();
    expect(await raisedAlarms(projector.metrics)).to.deep.equal([['ahead-of-log', 1]]);
    expect((await log.compared()).equal).to.be.true;
  });

  it('is noticed by a check of documents that the log has outgrown, by whoever computed them', async () => {
    const log = await restored([...LISTED, ...CLICKS], 2);
    log.happens(...Array.from({ length: 6 }, () => of(1, events.view, 'jet')));
    expect(await log.check({ projector: log.running })).to.include({ ahead: 1 });
    expect(await log.anime(1)).to.include({ revision: 6, clicks: 0, views: 6 });
    expect((await log.compared()).equal).to.be.true;
  });

  describe('and whose record at the revision of a document cannot be read', () => {
    /** The records of new events of anime 1, from this revision on, which itself cannot be read. */
    const from = (log: Awaited<ReturnType<typeof restored>>, revision: number) => {
      log.happens(...Array.from({ length: 5 }, () => of(1, events.view, 'jet')));
      const [first, ...others] = itemsOf(log.store).filter(
        ({ event }) => event.stream === 'anime-1' && event.revision >= revision,
      );
      return first === undefined ? expect.fail() : [unreadable(first), ...others];
    };

    it('is noticed by the next record', async () => {
      const log = await restored([...LISTED, ...CLICKS], 2);
      await log.running.handle(batchOf(from(log, 3)));
      expect(await log.anime(1)).to.include({ revision: 5, clicks: 0, views: 5 });
      expect((await log.compared()).equal).to.be.true;
    });

    it('is noticed 5 s after the document was last found in the log', async () => {
      const log = await restored([...LISTED, ...CLICKS], 5);
      await log.running.handle(batchOf(itemsOf(log.store)));
      log.store.keepFirst(2);
      log.pass(5_000);
      await log.running.handle(batchOf(from(log, 3)));
      expect((await log.compared()).equal).to.be.true;
    });

    it('is noticed where the document was found in the log before it got a record that the log lost', async () => {
      const log = await restored(LISTED, 2);
      await log.running.handle(batchOf(itemsOf(log.store)));
      const [lost] = itemsOf(logOf([...LISTED, of(1, events.click)]).store).slice(2);
      if (lost === undefined) expect.fail();
      await log.running.handle(batchOf([lost]));
      expect(await log.anime(1)).to.include({ revision: 1, clicks: 1 });
      await log.running.handle(batchOf(from(log, 1)));
      expect(await log.anime(1)).to.include({ revision: 5, clicks: 0, views: 5 });
      expect((await log.compared()).equal).to.be.true;
    });
  });

  it('replays an anime without the users and days that the log lost', async () => {
    const log = await restored([...LISTED, ...CLICKS], 2);
    const { store: eventStore, documents } = log;
    await replayAnime({ eventStore, documents, logId: LOG_ID, animeId: animeId(1) });
    expect((await log.compared()).equal).to.be.true;
  });
});
