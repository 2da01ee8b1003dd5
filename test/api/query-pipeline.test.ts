import { expect } from 'chai';
import type { DeadLetter } from '../../src/ports/dead-letters.js';
import { AT } from '../support/examples.js';
import { somePipeline } from '../support/pipeline.js';
import { codesOf, serveQueryApi, storeThatAnswers } from '../support/query-api.js';

const letter = (stream: string | null, revision: number | null): Omit<DeadLetter, 'value'> => ({
  stream,
  revision,
  source: 'anime-events[0]@7',
  reason: 'unknown-type',
  at: AT,
});

const LETTERS = `query Letters($first: Int, $after: String) {
  pipeline { deadLetters(first: $first, after: $after) {
    edges { node { stream revision reason detail time replayCommand } cursor }
    pageInfo { hasNextPage hasPreviousPage endCursor }
  } }
}`;

describe('pipeline', () => {
  let api: Awaited<ReturnType<typeof serveQueryApi>>;
  afterEach(() => api.stop());

  const given = async (options: Partial<Parameters<typeof serveQueryApi>[0]> = {}) =>
    (api = await serveQueryApi({ readStore: storeThatAnswers(), ...options }));

  it('returns what this process knows, and null for the rest', async () => {
    await given();
    const query = `{ pipeline {
      status role uptimeSeconds parts { name status detail } servers { name version }
      bridge { state } rates { commands published } counters { errors }
      deadLetters { edges { cursor } } history { time } configuration
    } }`;
    expect(await api.ask(query)).to.deep.equal({
      data: {
        pipeline: {
          status: 'healthy',
          role: 'all',
          uptimeSeconds: 12.5,
          parts: [{ name: 'event-store', status: 'healthy', detail: null }],
          servers: [{ name: 'Event store', version: '1.2.3' }],
          bridge: null,
          rates: { commands: 1.5, published: null },
          counters: { errors: 3_000_000_000 },
          deadLetters: null,
          history: [],
          configuration: { LOG_LEVEL: 'info' },
        },
      },
    });
  });

  it('needs a reader key where keys are set', async () => {
    await given({ readerKeys: ['reader-key'] });
    const query = '{ pipeline { status } }';
    const refused = await api.ask(query);
    expect(codesOf(refused)).to.deep.equal(['UNAUTHENTICATED']);
    expect(refused.data).to.deep.equal({ pipeline: null });
    const answer = await api.post(JSON.stringify({ query }), { 'x-api-key': 'reader-key' });
    expect(await answer.json()).to.deep.equal({ data: { pipeline: { status: 'healthy' } } });
  });

  it('pages through dead letters, each with the command that replays it', async () => {
    const letters = [letter('anime-1', 7), letter('anime-2', 0), letter(null, null)];
    await given({ pipeline: somePipeline({ deadLetters: () => Promise.resolve(letters) }) });
    const page = async (variables: object) => {
      const { data } = await api.ask(LETTERS, variables);
      return (data as { pipeline: { deadLetters: { edges: unknown[]; pageInfo: PageInfo } } })
        .pipeline.deadLetters;
    };
    const first = await page({ first: 2 });
    expect(first.edges).to.have.nested.property('[0].node').that.deep.equals({
      stream: 'anime-1',
      revision: '7',
      reason: 'unknown-type',
      detail: 'anime-events[0]@7',
      time: AT,
      replayCommand: 'anime-analytics dead-letters replay anime-1',
    });
    expect(first.pageInfo).to.include({ hasNextPage: true, hasPreviousPage: false });
    const second = await page({ first: 2, after: first.pageInfo.endCursor });
    expect(second.edges).to.have.length(1);
    expect(second.edges).to.have.nested.property('[0].node.replayCommand', null);
    expect(second.pageInfo).to.include({ hasNextPage: false, hasPreviousPage: true });
  });

  it('offers no command with a stream name that a shell would run', async () => {
    const hostile = [letter('anime-1; rm -rf ~', 0)];
    await given({ pipeline: somePipeline({ deadLetters: () => Promise.resolve(hostile) }) });
    const edges = 'data.pipeline.deadLetters.edges[0].node.replayCommand';
    expect(await api.ask(LETTERS)).to.have.nested.property(edges, null);
  });

  it('refuses a page size and a cursor that it did not make', async () => {
    await given({ pipeline: somePipeline({ deadLetters: () => Promise.resolve([]) }) });
    const cursor = Buffer.from('anime:1').toString('base64url');
    for (const variables of [{ first: 0 }, { first: 101 }, { after: 'x' }, { after: cursor }]) {
      expect(codesOf(await api.ask(LETTERS, variables))).to.deep.equal(['BAD_USER_INPUT']);
    }
  });
});

interface PageInfo {
  readonly hasNextPage: boolean;
  readonly endCursor: string;
}
