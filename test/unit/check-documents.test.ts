import { expect } from 'chai';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { UnavailableError } from '../../src/ports/errors.js';
import type { AnimeDocument, DocumentStore } from '../../src/ports/read-store.js';
import {
  checkDocuments,
  type DocumentCheckOptions,
  keepChecking,
  keepConfirming,
  recheckQuarantined,
} from '../../src/read-side/rebuild/check-documents.js';
import { emptyAnime } from '../../src/read-side/rebuild/replay.js';
import { animeId, events } from '../support/examples.js';
import { eventually } from '../support/eventually.js';
import { logOf, type Happening } from '../support/histories.js';
import { inMemoryDocuments } from '../support/in-memory-documents.js';
import { batchOf, projecting } from '../support/projecting.js';
import { recordingLogger, type Line } from '../support/recording-logger.js';
import { rejectionOf } from '../support/rejection-of.js';

const HISTORY: readonly Happening[] = [
  { anime: 1, event: events.listed },
  { anime: 1, event: events.click },
  { anime: 1, event: events.rating },
];

const NEVER = 1e9;

const given = () => {
  const { store, items } = logOf(HISTORY);
  const documents = inMemoryDocuments();
  const projector = projecting(store, documents);
  const { logger, lines, told } = recordingLogger();
  let checks = 0;
  let looks = 0;
  let quarantineLooks = 0;
  const counted: DocumentStore = {
    ...documents,
    allAnimes: () => {
      checks += 1;
      return documents.allAnimes();
    },
  };
  /** Runs while the assertion is waited for, and until the next check at most. */
  const checking = async (
    options: Partial<DocumentCheckOptions>,
    assertion: () => unknown,
  ): Promise<void> => {
    const stopped = new AbortController();
    const running = keepChecking({
      eventStore: store,
      documents: counted,
      projector: {
        ...projector,
        lastApplied: () => {
          looks += 1;
          return projector.lastApplied();
        },
        quarantine: () => {
          quarantineLooks += 1;
          return projector.quarantine();
        },
      },
      logger,
      keeps: false,
      isIdle: () => true,
      waitMs: 0,
      lookEveryMs: 1,
      everyMs: NEVER,
      againAfterMs: NEVER,
      quarantineEveryMs: NEVER,
      ...options,
      signal: stopped.signal,
    });
    try {
      await eventually(assertion);
    } finally {
      stopped.abort();
      await running;
    }
  };
  return {
    store,
    items,
    documents,
    projector,
    lines,
    told,
    checking,
    checks: () => checks,
    looks: () => looks,
    quarantineLooks: () => quarantineLooks,
    revision: async () => (await documents.animes([animeId(1)]))[0]?.revision,
  };
};

const repairsIn = (lines: readonly Line[]) =>
  lines
    .filter(({ level, message }) => level === 'warn' && message.startsWith('Documents repaired'))
    .map(({ data }) => data);

describe('checking the documents again and again', () => {
  it('waits for the start of the service with the first check, but not beyond a stop', async () => {
    const { checking, checks } = given();
    let started = (): void => undefined;
    const after = new Promise<void>((resolve) => (started = resolve));
    await checking({ after }, () => expect(checks()).to.equal(0));
    expect(checks()).to.equal(0);
    await checking({ after }, () => {
      started();
      expect(checks()).to.equal(1);
    });
  });

  it('repairs at once what the log has lost, and says so', async () => {
    const { store, items, projector, checking, revision, lines } = given();
    await projector.handle(batchOf(items));
    store.keepFirst(2);
    await checking({}, () => expect(repairsIn(lines)).to.deep.equal([{ ahead: 1, late: 0 }]));
    expect(await revision()).to.equal(1);
  });

  it('repairs what stays late on a bus that is idle, and says so', async () => {
    const { items, projector, checking, revision, lines } = given();
    await projector.handle(batchOf(items.slice(0, 1)));
    await checking({ keeps: true }, () =>
      expect(repairsIn(lines)).to.deep.equal([{ ahead: 0, late: 1 }]),
    );
    expect(await revision()).to.equal(2);
  });

  it('says nothing of documents that are right', async () => {
    const { items, projector, checking, checks, told } = given();
    await projector.handle(batchOf(items));
    await checking({ againAfterMs: 1 }, () => expect(checks()).to.be.at.least(2));
    expect(told()).to.deep.equal([]);
  });

  it('comes soon once more after the first check, then at long intervals', async () => {
    const { checking, checks, looks } = given();
    let second = 0;
    await checking({ againAfterMs: 1 }, () => {
      expect(checks()).to.be.at.least(2);
      if (second === 0) second = looks();
      expect(looks()).to.be.above(second + 10);
    });
    expect(checks()).to.equal(2);
  });

  it('waits in between as long as it is told to', async () => {
    const { checking, checks, looks } = given();
    await checking({}, () => expect(looks()).to.be.above(10));
    expect(checks()).to.equal(1);
  });

  it('comes soon again as long as late documents are left to a busy bus', async () => {
    const { items, projector, checking, checks } = given();
    await projector.handle(batchOf(items.slice(0, 1)));
    await checking({ keeps: true, isIdle: () => false, againAfterMs: 1 }, () =>
      expect(checks()).to.be.above(4),
    );
  });

  it('comes at once where the log has lost the last event that was applied', async () => {
    const { store, items, projector, checking, checks, looks, revision, told } = given();
    await projector.handle(batchOf(items));
    let lost = false;
    await checking({}, async () => {
      expect(looks()).to.be.above(2);
      if (!lost) store.keepFirst(2);
      lost = true;
      expect(await revision()).to.equal(1);
    });
    expect(checks()).to.be.at.least(2);
    expect(told()).to.include('error The last applied event is no longer in the log');
  });

  it('is tried again, and said, where it fails', async () => {
    const { store, items, projector, checking, told, looks, checks } = given();
    await projector.handle(batchOf(items));
    let failures = 3;
    const eventStore: typeof store = {
      ...store,
      async *read(...asked) {
        failures -= 1;
        if (failures >= 0) throw new UnavailableError('Away.');
        yield* store.read(...asked);
      },
    };
    await checking({ eventStore }, () => expect(looks()).to.be.at.least(1));
    expect(told()).to.deep.equal(Array(3).fill('warn Comparing the documents with the log failed'));
    expect(checks()).to.equal(4);
  });

  it('ends without a word where it is stopped in the middle', async () => {
    const { store, items, projector, checking, told } = given();
    await projector.handle(batchOf(items));
    let asked = 0;
    let fail = (): void => undefined;
    const away = new Promise<never>((_, reject) => {
      fail = () => reject(new UnavailableError('Away.'));
    });
    const eventStore: typeof store = {
      ...store,
      async *read() {
        asked += 1;
        yield await away;
      },
    };
    await checking({ eventStore }, () => {
      expect(asked).to.be.at.least(1);
      // After the abort, which follows this assertion.
      setImmediate(fail);
    });
    expect(told()).to.deep.equal([]);
  });

  it('looks at quarantined anime no more often than it is told to', async () => {
    const { checking, quarantineLooks } = given();
    const begun = performance.now();
    await checking({ quarantineEveryMs: 50 }, () => expect(quarantineLooks()).to.be.above(3));
    expect(quarantineLooks()).to.be.at.most((performance.now() - begun) / 50);
  });

  for (const [name, quarantineEveryMs, left] of [
    ['looks now and then at quarantined anime, whose streams may be whole again', 1, 0],
    ['leaves quarantined anime alone in between', NEVER, 1],
  ] as const) {
    it(name, async () => {
      const { store, items, projector, checking, looks } = given();
      const [listed, , rating] = items;
      if (listed === undefined || rating === undefined) expect.fail();
      await projector.handle(batchOf([listed]));
      await store.setMaxCount('anime-1', 1);
      await projector.handle(batchOf([rating]));
      await store.setMaxCount('anime-1', 100);
      // The checks themselves find nothing in these.
      await checking({ documents: inMemoryDocuments(), quarantineEveryMs }, () => {
        expect(looks()).to.be.above(10);
        expect(projector.quarantine().size).to.equal(left);
      });
    });
  }
});

describe('checking the documents once', () => {
  const other: Happening = {
    anime: 2,
    event: { ...events.click, data: { ...events.click.data, animeId: animeId(2) } },
  };
  const [listed, click, rating] = HISTORY as [Happening, Happening, Happening];
  const { signal } = new AbortController();

  /** A log of two anime, and the documents of the first of its events. */
  const checked = async ({ applied = 4, history = [listed, click, other, rating] } = {}) => {
    const { store, items } = logOf(history);
    const documents = inMemoryDocuments();
    const projector = projecting(store, documents);
    await projector.handle(batchOf(items.slice(0, applied)));
    const scans: unknown[] = [];
    const eventStore: typeof store = {
      ...store,
      subscribeToAll: (options) => {
        scans.push(options.after);
        return store.subscribeToAll(options);
      },
    };
    const check = (options: Partial<DocumentCheckOptions> = {}) =>
      checkDocuments({
        eventStore,
        documents,
        projector,
        logger: silentLogger(),
        keeps: false,
        isIdle: () => true,
        signal,
        waitMs: 0,
        ...options,
      });
    const end = () => store.log.at(-1)?.position ?? expect.fail();
    const revisions = async () =>
      (await documents.animes([animeId(1), animeId(2)])).map(({ revision }) => revision);
    return { store, items, documents, projector, scans, check, end, revisions };
  };

  it('brings a late document up to date without reading the log of all anime', async () => {
    const { check, scans, revisions } = await checked({ applied: 1 });
    expect(await check()).to.deep.equal({ ahead: 0, late: 1, complete: true });
    expect(await revisions()).to.deep.equal([2]);
    expect(scans).to.deep.equal([]);
  });

  it('shows every document that it reads', async () => {
    const { check } = await checked();
    const shown: AnimeDocument[] = [];
    await check({ onDocument: (document) => shown.push(document) });
    expect(shown.map(({ animeId: id, revision }) => [id, revision])).to.have.deep.members([
      [animeId(1), 2],
      [animeId(2), 0],
    ]);
  });

  it('leaves alone an anime whose stream was truncated above its document', async () => {
    const { store, check, projector, revisions } = await checked({ applied: 1 });
    await store.setMaxCount('anime-1', 1);
    expect(await check()).to.deep.equal({ ahead: 0, late: 0, complete: true });
    expect(projector.quarantine().size).to.equal(0);
    expect(await revisions()).to.deep.equal([0]);
  });

  for (const keeps of [false, true]) {
    const bus = keeps ? 'keeps' : 'does not keep';
    it(`reads the whole log where a document was ahead of it, and the bus ${bus} offsets`, async () => {
      const log = await checked({ applied: 3, history: [listed, click, rating, other] });
      const { documents, check, scans, revisions } = log;
      const before = log.end();
      await documents.setFlushed(before);
      log.store.keepFirst(2);
      log.store.record('anime-2', { ...(log.items[3]?.event ?? expect.fail()), metadata: {} });
      expect(await check({ keeps })).to.deep.equal({ ahead: 1, late: 1, complete: true });
      expect(scans).to.deep.equal(['start']);
      expect(await revisions()).to.deep.equal([1, 0]);
      expect(await documents.flushed()).to.deep.equal(keeps ? log.end() : before);
    });
  }

  it('reads the log from the position up to which it was read before', async () => {
    const { store, documents, check, scans, end } = await checked();
    const [, second] = store.log;
    if (second === undefined) expect.fail();
    await documents.setFlushed(second.position);
    expect(await check({ keeps: true })).to.deep.equal({ ahead: 0, late: 0, complete: true });
    expect(scans).to.deep.equal([second.position]);
    expect(await documents.flushed()).to.deep.equal(end());
  });

  it('keeps this position where nothing came after it', async () => {
    const { documents, check, end } = await checked();
    await documents.setFlushed(end());
    await check({ keeps: true });
    expect(await documents.flushed()).to.deep.equal(end());
  });

  for (const [keeps, complete] of [
    [false, true],
    [true, false],
  ] as const) {
    const name = complete ? 'complete' : 'not complete';
    const bus = keeps ? 'keeps' : 'does not keep';
    it(`is ${name} where nothing is late and a busy bus ${bus} offsets`, async () => {
      const { check } = await checked();
      const found = await check({ keeps, isIdle: () => false });
      expect(found).to.deep.equal({ ahead: 0, late: 0, complete });
    });
  }

  it('quarantines no emptied anime that the log does not have', async () => {
    const { documents, check, projector } = await checked();
    await documents.save({ interactions: [], days: [], animes: [emptyAnime(animeId(9), 1)] });
    expect(await check()).to.deep.equal({ ahead: 0, late: 0, complete: true });
    expect(projector.quarantine().size).to.equal(0);
  });

  /** Both anime miss an event that was truncated. */
  const quarantined = async () => {
    const history = [listed, other, click, other, rating, other];
    const log = await checked({ applied: 2, history });
    for (const stream of ['anime-1', 'anime-2']) await log.store.setMaxCount(stream, 1);
    await log.projector.handle(batchOf(log.items.slice(4)));
    expect([...log.projector.quarantine().keys()]).to.deep.equal([1, 2]);
    await log.store.setMaxCount('anime-2', 100);
    return log;
  };

  it('resumes a quarantined anime whose stream is whole, whatever became of another', async () => {
    const { store: eventStore, projector, revisions } = await quarantined();
    await eventStore.tombstoneStream('anime-1');
    await recheckQuarantined({ eventStore, projector, signal });
    expect([...projector.quarantine().keys()]).to.deep.equal([1]);
    expect(await revisions()).to.deep.equal([0, 2]);
  });

  it('does not pass over an event store that is away for a stream that was removed', async () => {
    const { store, projector } = await quarantined();
    const away = new UnavailableError('Away.');
    const eventStore: typeof store = { ...store, head: () => Promise.reject(away) };
    const rechecked = recheckQuarantined({ eventStore, projector, signal });
    expect(await rejectionOf(rechecked)).to.equal(away);
  });
});

describe('confirming events again and again', () => {
  it('goes on after a failure, and ends with its signal', async () => {
    const stopped = new AbortController();
    const { logger, lines } = recordingLogger();
    let confirmed = 0;
    const confirm = (): Promise<void> => {
      confirmed += 1;
      if (confirmed === 3) stopped.abort();
      return confirmed === 2 ? Promise.resolve() : Promise.reject(new UnavailableError('Away.'));
    };
    await keepConfirming({ projector: { confirm }, logger, signal: stopped.signal, everyMs: 1 });
    expect(confirmed).to.equal(3);
    expect(lines.map(({ level }) => level)).to.deep.equal(['debug']);
  });
});
