import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import {
  buildClientSchema,
  getIntrospectionQuery,
  isScalarType,
  isSpecifiedScalarType,
  parse,
  printSchema,
  visit,
  type GraphQLArgument,
  type GraphQLNamedType,
  type GraphQLSchema,
  type IntrospectionQuery,
} from 'graphql';
import { animeId, userId } from '../support/examples.js';
import { codesOf } from '../support/query-api.js';
import { inMemoryEventStore } from '../support/in-memory-event-store.js';
import { givenReadModels } from '../support/read-models.js';
import { aDay, anAnimeDocument, anInteraction } from '../support/read-store.js';

const DOCUMENT = new URL('../../../docs/schema.graphql', import.meta.url);

describe('the GraphQL schema', () => {
  let api: Awaited<ReturnType<typeof givenReadModels>>;
  let schema: GraphQLSchema;
  let types: readonly GraphQLNamedType[];

  before(async () => {
    const rated = { views: 3, clicks: 1, ratingCount: 5, ratingSum: 4000 };
    const documents = {
      animes: [1, 2].map((id) => anAnimeDocument({ animeId: animeId(id), ...rated })),
      days: [1, 2].map((id) => aDay({ animeId: animeId(id) })),
      interactions: [
        anInteraction({ animeId: animeId(1) }),
        anInteraction({ animeId: animeId(2) }),
        anInteraction({ animeId: animeId(1), userId: userId('1:spike') }),
      ],
    };
    api = await givenReadModels(documents, { events: inMemoryEventStore() });
    const { data } = await api.ask(getIntrospectionQuery({ specifiedByUrl: true }));
    schema = buildClientSchema(data as IntrospectionQuery);
    types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'));
  });
  after(() => api.stop());

  const queries = () => Object.values(schema.getQueryType()?.getFields() ?? {});

  it('is docs/schema.graphql, which `npm run schema` writes', async () => {
    expect(`${printSchema(schema)}\n`).to.equal(await readFile(DOCUMENT, 'utf8'));
  });

  it('describes every type, field and argument', () => {
    let described = 0;
    const undescribed: string[] = [];
    const look = (node: Described): void => {
      if (node.description?.value.endsWith('.') === true) described += 1;
      else undescribed.push(node.name.value);
    };
    visit(parse(printSchema(schema)), {
      ScalarTypeDefinition: look,
      ObjectTypeDefinition: look,
      InputObjectTypeDefinition: look,
      FieldDefinition: look,
      InputValueDefinition: look,
    });
    expect(undescribed).to.deep.equal([]);
    expect(described).to.be.above(100);
  });

  interface Described {
    readonly name: { readonly value: string };
    readonly description?: { readonly value: string };
  }

  it('gives every custom scalar a specifiedBy URL', () => {
    const own = types.filter((type) => isScalarType(type) && !isSpecifiedScalarType(type));
    expect(own.map(({ name }) => name)).to.have.members(['Count', 'JSON']);
    for (const scalar of own) {
      expect(scalar)
        .to.have.property('specifiedByURL')
        .that.matches(/^https:\/\//);
    }
  });

  it('gives every list and page a default size', () => {
    const sizes = queries().flatMap(({ args }) => args.filter(({ name }) => LIMITED.has(name)));
    expect(sizes).to.have.length(10);
    for (const { name, defaultValue } of sizes) expect(defaultValue, name).to.be.a('number');
  });

  const LIMITED: ReadonlySet<string> = new Set(['limit', 'first', 'page', 'pageSize', 'days']);

  it('states the limits of arguments as they are enforced', async () => {
    const limited = queries().flatMap((field) =>
      field.args.filter(({ name }) => LIMITED.has(name)).map((arg) => ({ field, arg })),
    );
    for (const { field, arg } of limited) {
      const [, least, most] = /From (\d+) to (\d+)\.$/.exec(arg.description ?? '') ?? [];
      const others = field.args.filter(({ type }) => String(type).endsWith('!'));
      const codes = async (value: number) =>
        codesOf(await api.ask(`{ ${field.name}(${given(arg, value, others)}) { __typename } }`));
      expect(await codes(Number(least)), arg.name).to.deep.equal([]);
      expect(await codes(Number(most)), arg.name).to.deep.equal([]);
      expect(await codes(Number(least) - 1), arg.name).to.deep.equal(['BAD_USER_INPUT']);
      expect(await codes(Number(most) + 1), arg.name).to.deep.equal(['BAD_USER_INPUT']);
    }
  });

  const given = (arg: GraphQLArgument, value: number, others: readonly GraphQLArgument[]) =>
    [
      `${arg.name}: ${value}`,
      ...others.map(({ name, type }) => `${name}: ${String(type) === 'Int!' ? 1 : textFor(name)}`),
    ].join(', ');

  const textFor = (argument: string) => (argument === 'name' ? '"anime-1"' : '"spike"');

  it('gives no two objects the same id', async () => {
    const { data } = await api.ask(`{
      topAnimesByViews { ...stats } topAnimesByRating { ...stats } animeStats(animeId: 1) { ...stats }
      anime(animeId: 1) { __typename id key: myanimelistId }
      searchAnimes { items { ...anime } }
      trendingAnimes { ...anime }
      recommendedAnimes(basedOnAnimeId: 1) { ...anime }
      ratingDistribution(animeId: 1) { __typename id key: animeId }
      spike: userInteractions(userId: "spike") { edges { node { ...did } } }
      other: userInteractions(userId: "1:spike") { edges { node { ...did } } }
    }
    fragment stats on AnimeStats { __typename id key: animeId }
    fragment anime on AnimeWithStats { __typename id key: myanimelistId }
    fragment did on UserInteraction { __typename id key: animeId }`);
    const things = new Map<string, Set<string>>();
    JSON.stringify(data, (_, value: unknown) => {
      if (typeof value === 'object' && value !== null && 'id' in value) {
        const { id, ...thing } = value;
        const known = things.get(String(id)) ?? new Set();
        things.set(String(id), known.add(JSON.stringify(thing)));
      }
      return value;
    });
    expect([...things.keys()].sort()).to.deep.equal([
      'Anime:1',
      'AnimeStats:1',
      'AnimeStats:2',
      'AnimeWithStats:1',
      'AnimeWithStats:2',
      'RatingDistribution:1',
      'UserInteraction:1:1:spike',
      'UserInteraction:1:spike',
      'UserInteraction:2:spike',
    ]);
    for (const [id, known] of things) expect([...known], id).to.have.length(1);
  });
});
