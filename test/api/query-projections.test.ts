import { expect } from 'chai';
import { PortError, UnavailableError } from '../../src/ports/errors.js';
import type { Projections, ProjectionStatus } from '../../src/ports/projections.js';
import { inMemoryEventStore } from '../support/in-memory-event-store.js';
import { codesOf, serveQueryApi, storeThatAnswers } from '../support/query-api.js';

const STATUS: ProjectionStatus = {
  name: 'global-totals',
  condition: 'running',
  status: 'Running',
  reason: '',
  timedOut: false,
  progress: 50,
  position: '{"$ce-anime":7}',
};

const LIST = '{ projections { name condition status reason progress position } }';
const STATE = `query State($name: String!, $partition: String) {
  projectionState(name: $name, partition: $partition)
}`;

describe('the queries of projections', () => {
  let api: Awaited<ReturnType<typeof serveQueryApi>>;
  afterEach(() => api.stop());

  type Reads = Pick<Projections, 'list' | 'stateOf'>;
  const engine: Reads = {
    list: () => Promise.resolve([STATUS]),
    stateOf: (name, partition) => Promise.resolve({ name, partition }),
  };

  const given = async (options: Partial<Parameters<typeof serveQueryApi>[0]> = {}) =>
    (api = await serveQueryApi({
      readStore: storeThatAnswers(),
      events: inMemoryEventStore(),
      projections: engine,
      ...options,
    }));

  it('list each with its condition and how far it is', async () => {
    const faulted: ProjectionStatus = {
      ...STATUS,
      name: 'broken',
      condition: 'faulted',
      status: 'Faulted (Enabled)',
      reason: 'It broke.',
      progress: 250,
      position: '',
    };
    await given({
      projections: { ...engine, list: () => Promise.resolve([STATUS, faulted]) },
    });
    expect((await api.ask(LIST)).data).to.deep.equal({
      projections: [
        {
          name: 'global-totals',
          condition: 'running',
          status: 'Running',
          reason: null,
          progress: 0.5,
          position: '{"$ce-anime":7}',
        },
        {
          name: 'broken',
          condition: 'faulted',
          status: 'Faulted (Enabled)',
          reason: 'It broke.',
          progress: 1,
          position: null,
        },
      ],
    });
  });

  it('return the state of a partition, or of the only one', async () => {
    await given();
    const { data } = await api.ask(STATE, { name: 'anime-activity', partition: 'anime-1' });
    expect(data).to.deep.equal({
      projectionState: { name: 'anime-activity', partition: 'anime-1' },
    });
    expect((await api.ask(STATE, { name: 'global-totals' })).data).to.deep.equal({
      projectionState: { name: 'global-totals', partition: '' },
    });
  });

  it('need a reader key where keys are set', async () => {
    await given({ readerKeys: ['reader-key'] });
    const query = '{ projections { name } projectionState(name: "a") }';
    const refused = await api.ask(query);
    expect(codesOf(refused)).to.deep.equal(['UNAUTHENTICATED', 'UNAUTHENTICATED']);
    expect(refused.data).to.deep.equal({ projections: null, projectionState: null });
    const answer = await api.post(JSON.stringify({ query }), { 'x-api-key': 'reader-key' });
    expect(await answer.json())
      .to.have.nested.property('data.projections')
      .that.has.length(1);
  });

  it('show no state where events are not shown', async () => {
    await given({ events: 'off' });
    expect(codesOf(await api.ask(STATE, { name: 'a' }))).to.deep.equal(['EVENTS_NOT_AVAILABLE']);
    expect((await api.ask(LIST)).data)
      .to.have.nested.property('projections')
      .that.has.length(1);
  });

  it('return null without an engine', async () => {
    const none = () => Promise.reject(new PortError('NOT_SUPPORTED', 'No engine.', false));
    for (const projections of [null, { list: none, stateOf: none }]) {
      await given({ projections });
      const answer = await api.ask('{ projections { name } projectionState(name: "a") }');
      expect(answer).to.deep.equal({ data: { projections: null, projectionState: null } });
      await api.stop();
    }
    await given();
  });

  it('say that the event store cannot be reached', async () => {
    const away = () => Promise.reject(new UnavailableError('Away.'));
    await given({ projections: { list: away, stateOf: away } });
    const answer = await api.ask('{ projections { name } projectionState(name: "a") }');
    expect(codesOf(answer)).to.deep.equal(['SERVICE_UNAVAILABLE', 'SERVICE_UNAVAILABLE']);
  });

  it('refuse texts that no stream could have', async () => {
    await given();
    for (const variables of [
      { name: 'x'.repeat(1001) },
      { name: 'a', partition: 'x'.repeat(1001) },
    ])
      expect(codesOf(await api.ask(STATE, variables))).to.deep.equal(['BAD_USER_INPUT']);
  });

  it('return no state that is nested too deeply to be written', async () => {
    let state: { deeper?: object } = {};
    for (let level = 0; level < 100; level += 1) state = { deeper: state };
    await given({ projections: { ...engine, stateOf: () => Promise.resolve(state as never) } });
    expect((await api.ask(STATE, { name: 'a' })).data).to.deep.equal({ projectionState: null });
  });
});
