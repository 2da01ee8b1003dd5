import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'chai';
import { ignoreEvents } from '../../../src/command-side/handling/ignore-events.js';
import {
  createRefusedStreams,
  RefusedStreamError,
} from '../../../src/command-side/handling/refused-streams.js';
import { createMetrics } from '../../../src/platform/observability/metrics.js';
import { UnavailableError } from '../../../src/ports/errors.js';
import type { EventStore } from '../../../src/ports/event-store.js';
import { freshAnime, handlerOver, openStore } from '../../support/command-handler.js';
import { eventually } from '../../support/eventually.js';
import { animeId, AT } from '../../support/examples.js';
import { recordingLogger } from '../../support/recording-logger.js';

const AWARDED = ['AnimeAwarded', {}] as const;
const NEWER = ['ClickRegistered', { schemaVersion: 99 }] as const;

describe('a refused stream', () => {
  let opened: Awaited<ReturnType<typeof openStore>>;
  let store: EventStore;
  before(async () => {
    opened = await openStore();
    store = opened.store;
  });
  after(() => opened.close());

  /** An anime that is listed, with these events after that. */
  const withEvents = async (...events: readonly (readonly [type: string, data: object])[]) => {
    const anime = freshAnime();
    await handlerOver(store).send(anime.list);
    await store.append(
      anime.stream,
      0n,
      events.map(([type, data]) => ({ id: randomUUID(), type, data: { ...data }, metadata: {} })),
    );
    return anime;
  };

  const problemOf = async (anime: ReturnType<typeof freshAnime>) => {
    const result = await handlerOver(store).send(anime.click);
    return 'problem' in result ? result.problem : result;
  };

  it('names its event that cannot be read, and how to go on without it', async () => {
    const anime = await withEvents(AWARDED);
    const { stream } = anime;
    expect(await problemOf(anime)).to.deep.equal({
      kind: 'unreadable',
      stream,
      revision: 1n,
      eventType: 'AnimeAwarded',
      detail: `Event 1 of ${stream} (AnimeAwarded) cannot be read: unknown type.`,
      remedy:
        'Upgrade if a newer version of this service wrote it. ' +
        `To go on without it: anime-analytics dead-letters ignore ${stream} 1`,
    });
  });

  it('counts its further events that cannot be read, and names the range of all', async () => {
    const anime = await withEvents(['AnimeDelisted', {}], AWARDED, AWARDED);
    const { stream } = anime;
    expect(await problemOf(anime)).to.deep.include({
      detail:
        `Event 1 of ${stream} (AnimeDelisted) cannot be read: ` +
        'animeId is not an anime id, and 2 more after it.',
      remedy: `To go on without it: anime-analytics dead-letters ignore ${stream} 1-3`,
    });
  });

  it('does not advise to ignore the events of a newer version along with others', async () => {
    const anime = await withEvents(AWARDED, NEWER);
    const { remedy } = (await problemOf(anime)) as { readonly remedy: string };
    expect(remedy.endsWith(`dead-letters ignore ${anime.stream} 1`)).to.equal(true);
  });

  it('names the first event that is left of a truncated history', async () => {
    const anime = freshAnime();
    const { send } = handlerOver(store);
    await send(anime.list);
    await send(anime.click);
    await opened.store.setMaxCount(anime.stream, 1);
    expect(await problemOf(anime)).to.include({
      kind: 'truncated',
      revision: 1n,
      eventType: 'ClickRegistered',
    });
  });

  it('is checked without a command, even if it left the cache while new titles came', async () => {
    const anime = await withEvents(AWARDED);
    const { send, refused } = handlerOver(store, { cachedAnimes: 1, recheckAfterMs: 0 });
    await send(anime.click);
    for (let n = 0; n < 16; n += 1) await send(freshAnime().list);
    const request = { animeId: anime.id, from: 1, to: 1, reason: 'A test.', evenNewer: false };
    await ignoreEvents(store, { ...request, at: AT });
    await eventually(() => expect(refused()).to.deep.equal([]));
  });

  it('is not checked once the handler drains', async () => {
    const anime = await withEvents(AWARDED);
    let reads = 0;
    const counted: EventStore = {
      ...store,
      read: (...asked) => {
        reads += 1;
        return store.read(...asked);
      },
    };
    const { send, drain, refused } = handlerOver(counted, { recheckAfterMs: 0 });
    await send(anime.click);
    await drain();
    reads = 0;
    expect(refused()).to.have.length(1);
    await nextTurn();
    expect(reads).to.equal(0);
  });

  it('is not logged as a failure of commands where a check without any fails', async () => {
    const anime = await withEvents(AWARDED);
    const { logger, told } = recordingLogger();
    const { send, drain, refused, readsFail } = handlerOver(store, { recheckAfterMs: 0 }, logger);
    await send(anime.click);
    readsFail(new UnavailableError('The store is down.'));
    expect(refused()).to.have.length(1);
    await drain();
    expect(told()).to.deep.equal(['error Commands of an anime are refused']);
  });
});

describe('the list of refused streams', () => {
  const refusal = (id: number, detail = 'Why.') =>
    new RefusedStreamError(animeId(id), {
      kind: 'unreadable',
      stream: `anime-${id}`,
      revision: 1n,
      eventType: 'AnimeAwarded',
      detail,
      remedy: 'What to do.',
    });

  const setUp = (count = 0) => {
    let now = 1000;
    const { logger, told } = recordingLogger();
    const metrics = createMetrics({ processMetrics: false });
    const monotonic = () => now;
    const streams = createRefusedStreams({ logger, metrics, recheckAfterMs: 500, monotonic });
    for (let id = 1; id <= count; id += 1) streams.refuse(refusal(id));
    return { streams, told, pass: (ms: number) => void (now += ms) };
  };
  const REFUSED = 'error Commands of an anime are refused';

  it('has each once in the log, and again for another problem', () => {
    const { streams, told } = setUp();
    for (const detail of ['One.', 'One.', 'Other.', 'Other.']) streams.refuse(refusal(1, detail));
    expect(told()).to.deep.equal([REFUSED, REFUSED]);
    streams.allow(animeId(1));
    streams.allow(animeId(1));
    expect(told().slice(2)).to.deep.equal(['info Commands of an anime are accepted again']);
  });

  it('holds a thousand, keeps them up to date, and has room when one leaves', () => {
    const { streams } = setUp(1000);
    streams.refuse(refusal(1001));
    expect(streams.all()).to.have.length(1000);
    streams.refuse(refusal(1, 'Other.'));
    expect(streams.all().map(({ detail }) => detail)).to.include('Other.');
    streams.allow(animeId(2));
    streams.refuse(refusal(1001));
    expect(streams.all().map(({ stream }) => stream)).to.include('anime-1001');
  });

  it('names those that are due once the interval has passed, and once in each', () => {
    const { streams, pass } = setUp(2);
    pass(499);
    expect(streams.due()).to.deep.equal([]);
    pass(1);
    expect(streams.due()).to.deep.equal([animeId(1), animeId(2)]);
    expect(streams.due()).to.deep.equal([]);
  });

  it('names twenty at once that are due, least recently checked first', () => {
    const { streams, pass } = setUp(30);
    streams.refuse(refusal(1));
    pass(500);
    expect(streams.due()).to.deep.equal(Array.from({ length: 20 }, (_, i) => animeId(i + 2)));
    expect(streams.due().at(-1)).to.equal(animeId(1));
  });
});
