import { expect } from 'chai';
import { ProjectionError } from '../../../src/embedded-eventstore/projections/engine.js';
import {
  temporaryProjections,
  type TemporaryProjections,
} from '../../support/embedded-projections.js';
import { eventually } from '../../support/eventually.js';
import { rejectionOf } from '../../support/rejection-of.js';

const COUNT = `fromStream('film-1').when({ $init: () => ({ n: 0 }), Clicked: (s) => { s.n += 1; return s; } })`;
const EMIT = `fromStream('film-1').when({ Clicked: (s, e) => { emit('seen', 'Seen', { n: e.sequenceNumber }); } })`;
const CLICK = ['Clicked', {}] as const;
const NOTHING_ELSE = { emittedStreams: false, stateStream: false, checkpointStream: false };

describe('the life of a projection on the embedded event store', function () {
  this.timeout(120_000);

  let given: TemporaryProjections;

  beforeEach(async () => {
    given = await temporaryProjections();
    await given.append('film-1', CLICK, CLICK);
  });

  afterEach(() => given.remove());

  const codeOf = async (call: Promise<unknown>): Promise<string | undefined> => {
    const error = await rejectionOf(call);
    return error instanceof ProjectionError ? error.code : String(error);
  };

  it('a disabled projection keeps its state, and goes on from there once it is enabled', async () => {
    await given.create('count', COUNT);
    await given.caughtUp();
    await given.engine().disable('count', true);
    expect(given.status('count')).to.equal('Stopped');
    await given.append('film-1', CLICK);
    expect(await given.state('count')).to.deep.equal({ n: 2 });
    await given.engine().enable('count');
    await given.caughtUp();
    expect(await given.state('count')).to.deep.equal({ n: 3 });
    expect(given.statistics('count')).to.include({ position: '{"film-1":2}', status: 'Running' });
  });

  it('an aborted projection says so, and counts each event once when it is enabled', async () => {
    await given.create('count', COUNT);
    await given.caughtUp();
    await given.append('film-1', CLICK);
    await given.engine().disable('count', false);
    expect(given.status('count')).to.equal('Aborted/Stopped');
    await given.engine().enable('count');
    await given.caughtUp();
    expect(await given.state('count')).to.deep.equal({ n: 3 });
  });

  it('an update goes on with the old state, a reset begins again', async () => {
    await given.create('count', COUNT);
    await given.caughtUp();
    await given.engine().update('count', COUNT.replace('+= 1', '+= 10'), undefined);
    await given.append('film-1', CLICK);
    await given.caughtUp();
    expect(await given.state('count')).to.deep.equal({ n: 12 });
    await given.engine().reset('count');
    await given.caughtUp();
    expect(await given.state('count')).to.deep.equal({ n: 30 });
    expect(given.statistics('count')).to.include({ version: 3, epoch: 3 });
  });

  it('after a restart, states and what was emitted are as before', async () => {
    await given.create('count', COUNT);
    await given.create('emits', EMIT);
    await given.caughtUp();
    await given.restart();
    await given.append('film-1', CLICK);
    await given.caughtUp();
    expect(await given.state('count')).to.deep.equal({ n: 3 });
    expect(given.stream('seen')).to.deep.equal(['{"n":0}', '{"n":1}', '{"n":2}']);
  });

  it('a reset hides what was emitted, and emits anew', async () => {
    await given.create('emits', EMIT);
    await given.caughtUp();
    await given.engine().reset('emits');
    await given.caughtUp();
    const page = given.log().readStream('seen', 'start', 'forwards', 10);
    const seen = page.kind === 'events' ? page.events : [];
    expect(seen.map(({ revision }) => revision)).to.deep.equal([2n, 3n]);
    expect(JSON.parse(Buffer.from(seen[0]?.metadata ?? []).toString())).to.include({
      $v: '1:2:2:4',
    });
  });

  it('a stream that others write to is not emitted to', async () => {
    await given.append('seen', ['Foreign', {}]);
    await given.create('emits', EMIT);
    await given.caughtUp();
    expect(given.reason('emits')).to.equal(
      "The 'seen' stream managed by projection 1 has been written to from the outside.",
    );
    expect(given.stream('seen')).to.have.length(1);
  });

  it('two projections do not share a stream that they emit to', async () => {
    await given.create('emits', EMIT);
    await given.caughtUp();
    await given.create('again', EMIT);
    await given.caughtUp();
    expect(given.reason('again')).to.match(/^Multiple projections emitting to the same stream/);
  });

  it('without the right to emit, emitting is a fault', async () => {
    await given.create('emits', EMIT, { emitEnabled: false });
    await given.caughtUp();
    const refused = "'emit' is not allowed by the projection/configuration/mode";
    expect(given.reason('emits')).to.equal(refused);
    await given.engine().update('emits', EMIT, true);
    await given.caughtUp();
    expect(given.status('emits')).to.equal('Running');
    expect(given.stream('seen')).to.have.length(2);
  });

  it('a one-time projection ends where the log did', async () => {
    await given.create('once', COUNT, { mode: 'one-time' });
    await given.caughtUp();
    expect(given.status('once')).to.equal('Completed/Stopped/Writing results');
    await given.append('film-1', CLICK);
    expect(await given.state('once')).to.deep.equal({ n: 2 });
    await given.restart();
    expect(await given.state('once')).to.deep.equal({ n: 2 });
  });

  it('a transient query is gone after a restart', async () => {
    await given.create('query', COUNT, { mode: 'transient' });
    await given.caughtUp();
    expect(await given.state('query')).to.deep.equal({ n: 2 });
    await given.restart();
    expect(given.status('query')).to.equal(undefined);
  });

  it('a deleted projection is gone, with the streams it emitted where that is asked for', async () => {
    await given.create('emits', EMIT, { trackEmittedStreams: true });
    await given.caughtUp();
    expect(await codeOf(given.engine().delete('emits', NOTHING_ELSE))).to.equal('refused');
    await given.engine().disable('emits', true);
    await given.engine().delete('emits', { ...NOTHING_ELSE, emittedStreams: true });
    expect(given.status('emits')).to.equal(undefined);
    expect(given.stream('seen')).to.deep.equal([]);
    expect(await codeOf(given.engine().state('emits', ''))).to.equal('not-found');
  });

  it('refuses a name that is taken, calls for one that is not there, and everything once closed', async () => {
    await given.create('count', COUNT);
    expect(await codeOf(given.create('count', COUNT))).to.equal('conflict');
    expect(await codeOf(given.create(' ', COUNT))).to.equal('refused');
    for (const call of ['enable', 'reset'] as const) {
      expect(await codeOf(given.engine()[call]('none'))).to.equal('not-found');
    }
    await given.create('broken', 'fromStream(');
    await given.caughtUp();
    expect(await codeOf(given.engine().state('broken', ''))).to.equal('no-state');
    await given.engine().close();
    await given.engine().close();
    expect(await codeOf(given.create('late', COUNT))).to.equal('closed');
  });

  for (const source of ['fromAll()', "fromCategory('film')"]) {
    it(`${source}.foreachStream(): a deletion whose handler fails is not skipped when the projection is enabled again`, async () => {
      const text = (deleted: string): string => `${source}.foreachStream().when({
        $init: () => ({ n: 0 }), $any: (s) => { s.n += 1; return s; },
        $deleted: (s) => { ${deleted} } })`;
      await given.create('deletions', text("throw new Error('It broke.');"));
      await given.caughtUp();
      await given.log().softDelete('film-1', 'any');
      for (let enabled = 0; enabled < 2; enabled += 1) {
        await given.caughtUp();
        expect(given.status('deletions')).to.equal('Faulted (Enabled)');
        expect(given.reason('deletions')).to.match(/It broke\.$/);
        await given.engine().enable('deletions');
      }
      await given.caughtUp();
      await given.engine().update('deletions', text('s.gone = true;'), undefined);
      await given.caughtUp();
      expect(given.status('deletions')).to.equal('Running');
      expect(await given.state('deletions', 'film-1')).to.deep.equal({ n: 2, gone: true });
    });
  }

  for (const events of [1, 2, 3]) {
    it(`a deletion is processed together with its event, wherever a step ends (${events})`, async () => {
      for (let n = 0; n < events; n += 1) await given.append('book-1', CLICK);
      const films = Array.from({ length: 12 }, (_, n) => `film-${10 + n}`);
      for (const film of films) {
        await given.append(film, CLICK);
        await given.log().softDelete(film, 'any');
      }
      const failing = films.slice(-5);
      for (const film of failing) {
        const text = `fromAll().foreachStream().when({
          $any: (s, e) => ({ of: e.streamId }),
          $deleted: (s) => { if (s.of === '${film}') throw new Error('It broke.'); } })`;
        await given.create(film, text);
      }
      for (let enabled = 0; enabled < 2; enabled += 1) {
        await given.caughtUp();
        for (const film of failing) {
          expect(given.reason(film)).to.match(/It broke\.$/);
          await given.engine().enable(film);
        }
      }
    });
  }

  it('a projection that takes long for an event does not hold up another', async () => {
    const busy = 'for (const until = Date.now() + 3000; Date.now() < until;) {}';
    await given.create('slow', `fromStream('slow-1').when({ Clicked: () => { ${busy} } })`);
    await given.create('count', COUNT);
    await given.caughtUp();
    await given.append('slow-1', CLICK);
    await given.append('film-1', CLICK);
    await eventually(async () => expect(await given.state('count')).to.deep.equal({ n: 3 }));
    expect(given.statistics('slow')).to.include({ readsInProgress: 1 });
    await given.caughtUp();
  });

  it('a projection waits for appends between its steps, and goes on where they never cease', async () => {
    const { appendsInFlight } = given.log().projections;
    await given.append('film-1', ...Array.from({ length: 2998 }, () => CLICK));
    Atomics.store(appendsInFlight, 0, 1);
    await given.create('count', COUNT);
    await eventually(() => expect(Atomics.notify(appendsInFlight, 0)).to.equal(1), { everyMs: 1 });
    await given.caughtUp();
    expect(await given.state('count')).to.deep.equal({ n: 3000 });
  });

  it('a restart of all projections stores and starts them again', async () => {
    await given.create('count', COUNT);
    await given.caughtUp();
    await given.engine().restart();
    await given.append('film-1', CLICK);
    await given.caughtUp();
    expect(await given.state('count')).to.deep.equal({ n: 3 });
  });
});
