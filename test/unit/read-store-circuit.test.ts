import { expect } from 'chai';
import { BSON } from 'mongodb';
import { openMongodbReadStore } from '../../src/adapters/mongodb/read-store.js';
import { withCircuit } from '../../src/adapters/read-store/circuit.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { UnavailableError } from '../../src/ports/errors.js';
import type { ReadStore } from '../../src/ports/read-store.js';
import { exampleDocuments } from '../../src/read-side/rebuild/example-documents.js';
import { eventually } from '../support/eventually.js';
import { codesOf, serveQueryApi } from '../support/query-api.js';
import { rejectionOf } from '../support/rejection-of.js';
import { scriptedMongodb } from '../support/scripted-mongodb.js';

const QUICK = { suspectAfterMs: 20, pingMs: 40, retryMs: 10 };

type Behaviour = 'answers' | 'fails' | 'hangs';

/** A store that does as it is told, and counts what it was asked. */
const obedientStore = () => {
  const behaviour: { ping: Behaviour; query: Behaviour } = { ping: 'answers', query: 'answers' };
  let queries = 0;
  const act = <T>(how: Behaviour, answer: T): Promise<T> => {
    if (how === 'hangs') return new Promise(() => undefined);
    return how === 'answers'
      ? Promise.resolve(answer)
      : Promise.reject(new UnavailableError('Not now.'));
  };
  const genres = (): Promise<readonly string[]> => {
    queries += 1;
    return act(behaviour.query, ['Drama']);
  };
  const store = {
    ping: () => act(behaviour.ping, undefined),
    active: () => act(behaviour.query, null),
    queries: () => ({ genres }),
    close: () => Promise.resolve(),
  } as unknown as ReadStore;
  return { behaviour, store, asked: () => queries };
};

describe('the circuit before a read store', () => {
  let given: ReturnType<typeof obedientStore>;
  let store: ReadStore;
  beforeEach(() => {
    given = obedientStore();
    store = withCircuit(given.store, QUICK);
  });
  afterEach(() => store.close());

  const genres = () => store.queries('v1').genres();
  const goAway = async (how: Behaviour) => {
    Object.assign(given.behaviour, { ping: how, query: how });
    await rejectionOf(genres());
    await eventually(async () => {
      expect(await rejectionOf(genres()))
        .to.have.property('message')
        .that.includes('refused');
    });
  };

  for (const how of ['fails', 'hangs'] as const) {
    it(`refuses queries without asking a store that ${how}`, async () => {
      await goAway(how);
      const before = given.asked();
      expect(await rejectionOf(genres())).to.be.instanceOf(UnavailableError);
      expect(await rejectionOf(store.active())).to.be.instanceOf(UnavailableError);
      expect(given.asked()).to.equal(before);
    });

    it(`answers again by itself once a store that ${how} is back`, async () => {
      await goAway(how);
      Object.assign(given.behaviour, { ping: 'answers', query: 'answers' });
      await eventually(async () => expect(await genres()).to.deep.equal(['Drama']));
    });
  }

  it('refuses queries under way when the store is found to be away', async () => {
    Object.assign(given.behaviour, { ping: 'hangs', query: 'hangs' });
    const errors = await Promise.all([genres(), genres(), store.active()].map(rejectionOf));
    for (const error of errors) expect(error).to.be.instanceOf(UnavailableError);
  });

  it('closes with the first ping of the health check that is answered', async () => {
    await goAway('fails');
    Object.assign(given.behaviour, { ping: 'answers', query: 'answers' });
    await store.ping();
    expect(await genres()).to.deep.equal(['Drama']);
  });

  it('lets the ping of the health check through while it is open', async () => {
    await goAway('fails');
    expect(await rejectionOf(store.ping())).to.have.property('message', 'Not now.');
  });

  it('leaves a slow query alone while the store answers pings', async () => {
    given.behaviour.query = 'hangs';
    const slow = genres();
    await eventually(async () => {
      await store.ping();
      given.behaviour.query = 'answers';
      expect(await genres()).to.deep.equal(['Drama']);
    });
    expect(await Promise.race([slow, Promise.resolve('under way')])).to.equal('under way');
  });

  it('asks again after one query that failed while the store is there', async () => {
    given.behaviour.query = 'fails';
    await rejectionOf(genres());
    given.behaviour.query = 'answers';
    expect(await genres()).to.deep.equal(['Drama']);
  });
});

describe('queries while MongoDB stops answering', function () {
  this.timeout(30_000);

  it('are refused at once, and answered at once when it is back', async () => {
    let silent = false;
    const cursor = { id: BSON.Long.ZERO, ns: 'a.versions', firstBatch: [] };
    const mongodb = await scriptedMongodb(() => (silent ? null : { ok: 1, cursor }));
    const opened = await openMongodbReadStore({
      url: `mongodb://127.0.0.1:${mongodb.port}`,
      database: 'anime',
      readPreference: 'primary',
      timeoutMs: 6_000,
      logger: silentLogger(),
      examples: exampleDocuments(),
    });
    const readStore = withCircuit(opened);
    const api = await serveQueryApi({ readStore });
    const timed = async () => {
      const begun = performance.now();
      const codes = codesOf(await api.ask('{ genres }'));
      return { codes, tookMs: performance.now() - begun };
    };
    try {
      expect((await timed()).codes).to.deep.equal(['NOT_READY']);
      silent = true;
      const first = await timed();
      expect(first.codes).to.deep.equal(['SERVICE_UNAVAILABLE']);
      expect(first.tookMs).to.be.lessThan(5_000);
      for (let n = 0; n < 3; n++) {
        const later = await timed();
        expect(later.codes).to.deep.equal(['SERVICE_UNAVAILABLE']);
        expect(later.tookMs).to.be.lessThan(1_000);
      }
      silent = false;
      const back = performance.now();
      await eventually(async () => expect((await timed()).codes).to.deep.equal(['NOT_READY']));
      expect(performance.now() - back).to.be.lessThan(3_000);
    } finally {
      await api.stop();
      mongodb.stop();
      await readStore.close();
    }
  });
});
