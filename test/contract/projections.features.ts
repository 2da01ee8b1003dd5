import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { PortError } from '../../src/ports/errors.js';
import type { ProjectionDefinition, Projections } from '../../src/ports/projections.js';
import { eventually } from '../support/eventually.js';

export interface OpenProjections {
  readonly projections: Projections;
  /** The same engine as seen by another process. */
  another(): Projections;
  append(stream: string, type: string): Promise<void>;
  /** Disables a projection, as an operator does in the server's UI. */
  disable(name: string): Promise<void>;
  close(): Promise<void>;
}

const PATIENT = { withinMs: 10_000 };
const REFUSED = 'fromCategory(';

/** The promises of `ports/projections.ts` for an event store with a projection engine. */
export const projectionsContract = (title: string, open: () => Promise<OpenProjections>): void => {
  describe(`projections: ${title}`, function () {
    this.timeout(30_000);
    let opened: OpenProjections;
    let projections: Projections;
    let category: string;
    let name: string;

    beforeEach(async () => {
      opened = await open();
      ({ projections } = opened);
      category = `c${randomUUID().replaceAll('-', '')}`;
      name = `p-${category}`;
    });
    afterEach(() => opened.close());

    /** Counts the category's events by `step`, with one state per stream. */
    const counting = (step = 1): ProjectionDefinition => ({
      name,
      emit: false,
      query: `fromCategory('${category}').foreachStream().when({
        $init: function () { return { count: 0 }; },
        Happened: function (state) { state.count += ${step}; return state; },
        Broke: function () { throw new Error('It broke.'); },
      });`,
    });

    const emitting = (emit: boolean, step = 1): ProjectionDefinition => ({
      name: `${name}-emitting`,
      emit,
      query: `fromCategory('${category}').when({
        Happened: function (state, event) {
          emit('${category}out-1', 'Happened', { by: ${step}, source: event.sequenceNumber });
        },
      });`,
    });

    /** Reads the events of `emitting` and counts them, in total and per source. */
    const reading = (): ProjectionDefinition => ({
      name,
      emit: false,
      query: `fromCategory('${category}out').foreachStream().when({
        $init: function () { return { all: 0, once: 0, next: 0 }; },
        Happened: function (state, event) {
          var source = JSON.parse(event.bodyRaw).source;
          state.all += 1;
          if (source >= state.next) { state.once += 1; state.next = source + 1; }
          return state;
        },
      });`,
    });

    const read = async () =>
      (await projections.stateOf(name, `${category}out-1`)) as Record<string, number> | null;

    const happen = async (times: number, stream = '1'): Promise<void> => {
      for (let time = 0; time < times; time += 1) {
        await opened.append(`${category}-${stream}`, 'Happened');
      }
    };

    const stateOf = (stream = '1') => projections.stateOf(name, `${category}-${stream}`);

    const counts = (count: number, stream = '1') =>
      eventually(async () => expect(await stateOf(stream)).to.deep.equal({ count }), {
        withinMs: 10_000,
      });

    const conditionOf = async (of = name) =>
      (await projections.list()).find((status) => status.name === of)?.condition;

    it('PJ-1 creates a projection that runs from the beginning of the log', async () => {
      await happen(2);
      expect(await projections.deploy(counting())).to.equal('created');
      await counts(2);
      await happen(1);
      await counts(3);
    });

    it('PJ-2 leaves an already deployed projection unchanged', async () => {
      await projections.deploy(counting());
      await happen(2);
      await counts(2);
      expect(await projections.deploy(counting())).to.equal('unchanged');
      expect(await opened.another().deploy(counting())).to.equal('unchanged');
      await happen(1);
      await counts(3);
    });

    it('PJ-3 recomputes a changed projection', async () => {
      await projections.deploy(counting());
      await happen(3);
      await counts(3);
      expect(await projections.deploy(counting(10))).to.equal('updated');
      await counts(30);
      expect(await opened.another().deploy(counting(10))).to.equal('unchanged');
    });

    it('PJ-3 treats another emit option as a change, and emits from the beginning', async () => {
      await projections.deploy(reading());
      await happen(2);
      await projections.deploy(emitting(false));
      await eventually(
        async () => expect(await conditionOf(`${name}-emitting`)).to.equal('faulted'),
        PATIENT,
      );
      expect(await projections.deploy(emitting(true))).to.equal('updated');
      await eventually(async () => expect((await read())?.['once']).to.equal(2), PATIENT);
      await happen(1);
      await eventually(async () => expect((await read())?.['once']).to.equal(3), PATIENT);
    });

    it('PJ-3 emits again what was emitted and read before', async () => {
      await projections.deploy(reading());
      await projections.deploy(emitting(true));
      await happen(2);
      await eventually(async () => expect((await read())?.['all']).to.equal(2), PATIENT);
      expect(await projections.deploy(emitting(true, 10))).to.equal('updated');
      await eventually(async () => expect((await read())?.['all']).to.be.at.least(4), PATIENT);
      expect((await read())?.['once']).to.equal(2);
    });

    it('PJ-4 starts a projection that was stopped, where it stopped', async () => {
      await projections.deploy(counting());
      await happen(2);
      await counts(2);
      await opened.disable(name);
      await eventually(async () => expect(await conditionOf()).to.equal('stopped'), PATIENT);
      expect(await projections.deploy(counting())).to.equal('restarted');
      await happen(1);
      await counts(3);
    });

    it('PJ-9 enables a projection that was stopped', async () => {
      await projections.deploy(counting());
      await opened.disable(name);
      await eventually(async () => expect(await conditionOf()).to.equal('stopped'), PATIENT);
      await projections.enable(name);
      await happen(1);
      await counts(1);
    });

    it('PJ-4 restarts a faulted projection with the corrected text', async () => {
      await projections.deploy(counting());
      await happen(1);
      await opened.append(`${category}-1`, 'Broke');
      await eventually(async () => {
        await stateOf();
        expect(await conditionOf()).to.equal('faulted');
      });
      const status = (await projections.list()).find((each) => each.name === name);
      expect(status?.reason).to.match(/^[^\n]*It broke\.$/);
      expect(status?.timedOut).to.equal(false);
      const mended = counting().query.replace("throw new Error('It broke.');", 'return;');
      expect(await projections.deploy({ ...counting(), query: mended })).to.equal('updated');
      await happen(1);
      await counts(2);
      expect(await conditionOf()).to.equal('running');
    });

    it('PJ-10 gives the reason of a fault in one line, without the stack', async () => {
      const broken = "throw new Error('It broke.\\n  And how.');";
      const { query } = counting();
      await projections.deploy({
        ...counting(),
        query: query.replace("throw new Error('It broke.');", broken),
      });
      await opened.append(`${category}-1`, 'Broke');
      await eventually(async () => {
        await stateOf();
        expect(await conditionOf()).to.equal('faulted');
      }, PATIENT);
      const status = (await projections.list()).find((each) => each.name === name);
      expect(status?.reason).to.match(/It broke\.[^\n]*$/);
      expect(status?.reason).not.to.match(/\n|\bat .+:\d+/);
    });

    it('PJ-5 lists deployed projections with their status', async () => {
      expect(await conditionOf()).to.equal(undefined);
      await projections.deploy(counting());
      await eventually(async () => expect(await conditionOf()).to.equal('running'), PATIENT);
    });

    it('PJ-6 returns the state of each partition, and null where there is none', async () => {
      expect(await stateOf()).to.equal(null);
      await projections.deploy(counting());
      await happen(1, '1');
      await happen(2, '2');
      await counts(1, '1');
      await counts(2, '2');
      expect(await stateOf('3')).to.equal(null);
      expect(await projections.stateOf(`${name}-other`, '')).to.equal(null);
    });

    it('PJ-7 reports a text that the engine cannot run', async () => {
      const outcome = await projections
        .deploy({ name, query: REFUSED, emit: false })
        .catch((error: unknown) => error);
      if (outcome instanceof PortError) expect(outcome.code).to.equal('NOT_SUPPORTED');
      else {
        await eventually(async () => expect(await conditionOf()).to.equal('faulted'));
      }
    });
  });
};
