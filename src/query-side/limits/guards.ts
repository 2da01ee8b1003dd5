import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLSchema,
  isObjectType,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { MAX_ACTIVITY_DAYS } from '../graphql/activity.js';
import { MAX_PAGE_SIZE } from '../graphql/arguments.js';

/** Upper bounds of executing a document. */
interface Measure {
  readonly depth: number;
  readonly aliases: number;
  readonly cost: number;
}

/** The most items that a field returns; undefined if it is not a list of the read store. */
type PageSizeOf = (field: FieldNode) => number | undefined;

const NOTHING: Measure = { depth: 0, aliases: 0, cost: 0 };
const LIST_COST = 1000;
const INTROSPECTION_COST = 2000;

/**
 * Linear in the document's length: a fragment is measured once, however often it is spread. The
 * document need not be valid. Throws if fragments spread each other in a cycle.
 */
const measureDocument = (document: DocumentNode, pageSizeOf: PageSizeOf): Measure => {
  const fragments = fragmentsOf(document);
  const measured = new Map<string, Measure | 'under way'>();

  const measureSelections = ({ selections }: SelectionSetNode): Measure =>
    selections.map(measureSelection).reduce(beside, NOTHING);

  const measureSelection = (selection: SelectionNode): Measure => {
    switch (selection.kind) {
      case Kind.FIELD:
        return measureField(selection);
      case Kind.INLINE_FRAGMENT:
        return measureSelections(selection.selectionSet);
      case Kind.FRAGMENT_SPREAD:
        return measureFragment(selection.name.value);
    }
  };

  const measureField = (field: FieldNode): Measure => {
    const inside = field.selectionSet ? measureSelections(field.selectionSet) : NOTHING;
    const aliases = field.alias === undefined ? 0 : 1;
    if (isIntrospection(field)) return introspection(inside, aliases);
    // A value may have the name of a list, as the stream of an event has.
    const pageSize = field.selectionSet && pageSizeOf(field);
    return {
      depth: 1 + inside.depth,
      aliases: aliases + inside.aliases,
      cost: 1 + (pageSize === undefined ? inside.cost : LIST_COST + pageSize * inside.cost),
    };
  };

  const measureFragment = (name: string): Measure => {
    const known = measured.get(name);
    if (known === 'under way') {
      throw new LimitExceededError('fragments', `Fragment ${name} spreads itself.`);
    }
    const fragment = fragments.get(name);
    if (known !== undefined || fragment === undefined) return known ?? NOTHING;
    measured.set(name, 'under way');
    const measure = measureSelections(fragment.selectionSet);
    measured.set(name, measure);
    return measure;
  };

  // Unused fragments too: validation would loop over a cycle.
  for (const name of fragments.keys()) measureFragment(name);
  return document.definitions
    .map((definition) =>
      definition.kind === Kind.OPERATION_DEFINITION
        ? measureSelections(definition.selectionSet)
        : NOTHING,
    )
    .reduce(larger, NOTHING);
};

const fragmentsOf = ({ definitions }: DocumentNode): ReadonlyMap<string, FragmentDefinitionNode> =>
  new Map(
    definitions
      .filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION)
      .map((fragment) => [fragment.name.value, fragment]),
  );

const beside = (a: Measure, b: Measure): Measure => ({
  depth: Math.max(a.depth, b.depth),
  aliases: a.aliases + b.aliases,
  cost: a.cost + b.cost,
});

const larger = (a: Measure, b: Measure): Measure => ({
  depth: Math.max(a.depth, b.depth),
  aliases: Math.max(a.aliases, b.aliases),
  cost: Math.max(a.cost, b.cost),
});

const isIntrospection = ({ name: { value } }: FieldNode): boolean =>
  value === '__schema' || value === '__type';

/**
 * Introspection is deep by nature; GraphQL's own rule limits its depth. That rule does not see
 * aliases, which multiply the cost, and which no tool uses there.
 */
const introspection = (inside: Measure, aliases: number): Measure => ({
  depth: 1,
  aliases: inside.aliases > 0 ? Infinity : aliases,
  cost: INTROSPECTION_COST,
});

const PAGE_ARGUMENTS: ReadonlySet<string> = new Set(['limit', 'pageSize', 'first']);

/** Throws LimitExceededError. Runs before validation, which an attacker could make expensive. */
export const createGuard = (schema: GraphQLSchema, limits: DocumentLimits) => {
  const pageSizeOf = pageSizes(schema);

  return (document: DocumentNode): void => {
    const { depth, aliases, cost } = measureDocument(document, pageSizeOf);
    if (depth > limits.maxDepth) {
      throw new LimitExceededError(
        'depth',
        `A query may be at most ${limits.maxDepth} fields deep.`,
      );
    }
    if (aliases > limits.maxAliases) {
      throw new LimitExceededError(
        'aliases',
        `A query may use at most ${limits.maxAliases} aliases, and none in introspection.`,
      );
    }
    if (cost > limits.maxCost) {
      throw new LimitExceededError(
        'cost',
        `The cost of a query may be at most ${limits.maxCost}, and this one may cost ${cost}: request fewer or smaller lists.`,
      );
    }
  };
};

/** Lists without a page size, by what they return at most. */
const WITHOUT_PAGES: readonly (readonly [field: string, items: number])[] = [
  ['activity', MAX_ACTIVITY_DAYS],
  ['animeActivity', MAX_ACTIVITY_DAYS],
];

/** A page size from a variable counts as the largest. */
const pageSizes = (schema: GraphQLSchema): PageSizeOf => {
  const defaults = new Map([...defaultPageSizes(schema), ...WITHOUT_PAGES]);
  return ({ name, arguments: given = [] }: FieldNode) => {
    const byDefault = defaults.get(name.value);
    const value = given.find((argument) => PAGE_ARGUMENTS.has(argument.name.value))?.value;
    if (byDefault === undefined || value === undefined) return byDefault;
    if (value.kind !== Kind.INT) return MAX_PAGE_SIZE;
    return Math.min(Math.max(Number(value.value), 1), MAX_PAGE_SIZE);
  };
};

const defaultPageSizes = (schema: GraphQLSchema): ReadonlyMap<string, number> =>
  new Map(
    Object.values(schema.getTypeMap())
      .flatMap((type) => (isObjectType(type) ? Object.values(type.getFields()) : []))
      .flatMap(({ name, args }) =>
        args
          .filter((argument) => PAGE_ARGUMENTS.has(argument.name))
          .map((argument): [string, number] => [name, Number(argument.defaultValue)]),
      ),
  );

/** Limits of a document. Each has its own error code. */
export interface DocumentLimits {
  readonly maxCharacters: number;
  readonly maxTokens: number;
  readonly maxDepth: number;
  /** An alias in a fragment counts each time the fragment is spread. */
  readonly maxAliases: number;
  /** Fields of the largest possible response, plus a thousand per list of the read store. */
  readonly maxCost: number;
}

export const DEFAULT_DOCUMENT_LIMITS: DocumentLimits = {
  maxCharacters: 16_384,
  maxTokens: 500,
  maxDepth: 8,
  maxAliases: 15,
  maxCost: 20_000,
};

export type LimitName = 'characters' | 'tokens' | 'depth' | 'aliases' | 'cost' | 'fragments';

/** A query above a limit; its own class, so that it can be counted. */
export class LimitExceededError extends GraphQLError {
  constructor(
    readonly limit: LimitName,
    message: string,
  ) {
    super(message, { extensions: { code: `${limit.toUpperCase()}_LIMIT_EXCEEDED` } });
  }
}
