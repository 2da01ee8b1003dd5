import { expect } from 'chai';
import { getIntrospectionQuery, type DocumentNode, type GraphQLError } from 'graphql';
import { createDocuments, type DocumentsOptions } from '../../src/query-side/graphql/documents.js';
import { DEFAULT_DOCUMENT_LIMITS, type LimitName } from '../../src/query-side/limits/guards.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { createSubscriptionResolvers } from '../../src/query-side/graphql/subscriptions.js';
import { storeThatAnswers } from '../support/query-api.js';
import { createSchema } from '../../src/query-side/graphql/schema.js';
import { BOMBS } from '../support/bombs.js';
import { somePipeline } from '../support/pipeline.js';

const schema = createSchema({
  waiter: { read: () => Promise.reject(new Error('Nothing is executed here.')) },
  serviceInfo: () => ({ version: '1.2.3', role: 'all', lagEvents: null, lagSeconds: null }),
  now: () => new Date(0),
  events: 'off',
  projections: null,
  pipeline: somePipeline(),
  subscriptions: createSubscriptionResolvers({
    readStore: storeThatAnswers(),
    pipeline: somePipeline(),
    events: 'off',
    activeReadModels: () => Promise.resolve(null),
    logger: silentLogger(),
  }),
});

const prepareDocuments = (options: Partial<DocumentsOptions> = {}) => {
  const refused: LimitName[] = [];
  const onRefused = (limit: LimitName) => void refused.push(limit);
  return {
    refused,
    prepare: createDocuments({ schema, limits: DEFAULT_DOCUMENT_LIMITS, onRefused, ...options }),
  };
};

const codesOf = (prepared: DocumentNode | readonly GraphQLError[]): unknown[] =>
  'kind' in prepared ? [] : prepared.map(({ extensions }) => extensions['code']);

describe('limits of a GraphQL document', () => {
  for (const { name, query, limit } of BOMBS) {
    it(`refuses ${name}`, () => {
      const { prepare, refused } = prepareDocuments();
      expect(codesOf(prepare(query))).to.deep.equal([`${limit.toUpperCase()}_LIMIT_EXCEEDED`]);
      expect(refused).to.deep.equal([limit]);
    });
  }

  it('leaves the depth of introspection to the rule of graphql-js', () => {
    const { prepare, refused } = prepareDocuments();
    const deep =
      '{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }';
    expect(codesOf(prepare(deep))).to.deep.equal(['GRAPHQL_VALIDATION_FAILED']);
    expect(refused).to.deep.equal([]);
  });

  it('allows the introspection queries of tools', () => {
    const query = getIntrospectionQuery({
      descriptions: true,
      schemaDescription: true,
      specifiedByUrl: true,
      directiveIsRepeatable: true,
      inputValueDeprecation: true,
      oneOf: true,
    });
    expect(codesOf(prepareDocuments().prepare(query))).to.deep.equal([]);
  });

  it('takes a document at a limit and refuses the one beyond it', () => {
    const limits = { ...DEFAULT_DOCUMENT_LIMITS, maxDepth: 2, maxAliases: 1, maxCost: 1024 };
    const { prepare } = prepareDocuments({ limits });
    const within = '{ a: topAnimesByViews(limit: 23) { animeId } }';
    expect(codesOf(prepare(within))).to.deep.equal([]);
    expect(codesOf(prepare('{ a: topAnimesByViews(limit: 24) { animeId } }'))).to.deep.equal([
      'COST_LIMIT_EXCEEDED',
    ]);
    expect(codesOf(prepare('{ searchAnimes(pageSize: 1) { items { title } } }'))).to.deep.equal([
      'DEPTH_LIMIT_EXCEEDED',
    ]);
    expect(codesOf(prepare('{ a: genres b: genres }'))).to.deep.equal(['ALIASES_LIMIT_EXCEEDED']);
  });

  it('counts a page whose size only a variable knows as the largest', () => {
    const limits = { ...DEFAULT_DOCUMENT_LIMITS, maxCost: 1100 };
    const { prepare } = prepareDocuments({ limits });
    const byVariable = 'query($n: Int) { topAnimesByViews(limit: $n) { animeId } }';
    expect(codesOf(prepare(byVariable))).to.deep.equal(['COST_LIMIT_EXCEEDED']);
    expect(codesOf(prepare('{ topAnimesByViews { animeId } }'))).to.deep.equal([]);
  });

  it('measures the largest of several operations, not their sum', () => {
    const limits = { ...DEFAULT_DOCUMENT_LIMITS, maxAliases: 1 };
    const { prepare } = prepareDocuments({ limits });
    const query = 'query A { a: genres } query B { b: genres }';
    expect(codesOf(prepare(query))).to.deep.equal([]);
  });

  it('prepares a query once', () => {
    const { prepare } = prepareDocuments();
    expect(prepare('{ genres }')).to.equal(prepare('{ genres }'));
  });

  it('evicts the least recently used query', () => {
    const { prepare } = prepareDocuments({ maxDocuments: 2 });
    const first = prepare('{ genres }');
    prepare('{ a: genres }');
    prepare('{ b: genres }');
    expect(prepare('{ genres }')).to.not.equal(first);
  });

  it('does not keep what it refused', () => {
    const { prepare, refused } = prepareDocuments({
      limits: { ...DEFAULT_DOCUMENT_LIMITS, maxAliases: 0 },
    });
    prepare('{ a: genres }');
    prepare('{ a: genres }');
    expect(refused).to.deep.equal(['aliases', 'aliases']);
  });
});
