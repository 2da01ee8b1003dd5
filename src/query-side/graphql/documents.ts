import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { withCode } from './errors.js';
import {
  createGuard,
  type DocumentLimits,
  LimitExceededError,
  type LimitName,
} from '../limits/guards.js';

export interface DocumentsOptions {
  readonly schema: GraphQLSchema;
  readonly limits: DocumentLimits;
  readonly onRefused: (limit: LimitName) => void;
  readonly maxDocuments?: number;
  /** Total of all cached queries. A parsed query takes far more memory than its text. */
  readonly maxCachedCharacters?: number;
}

/** Returns a document that is valid and within the limits, or its errors. */
export type Documents = (query: string) => DocumentNode | readonly GraphQLError[];

const MAX_VALIDATION_ERRORS = 10;

const invalidDocument = withCode('GRAPHQL_VALIDATION_FAILED');
const unparsable = withCode('GRAPHQL_PARSE_FAILED');

/** Parsing and validation cost more than execution, so their results are cached. */
export const createDocuments = ({
  schema,
  limits,
  onRefused,
  maxDocuments = 500,
  maxCachedCharacters = 262_144,
}: DocumentsOptions): Documents => {
  const guard = createGuard(schema, limits);
  const prepared = new LRUCache<string, DocumentNode>({
    max: maxDocuments,
    maxSize: maxCachedCharacters,
    sizeCalculation: (_, query) => query.length,
  });

  const prepare = (query: string): DocumentNode | readonly GraphQLError[] => {
    const document = parseBounded(query, limits);
    guard(document);
    const errors = validate(schema, document, specifiedRules, { maxErrors: MAX_VALIDATION_ERRORS });
    if (errors.length > 0) return errors.map((error) => invalidDocument(error));
    prepared.set(query, document);
    return document;
  };

  return (query) => {
    const known = prepared.get(query);
    if (known !== undefined) return known;
    try {
      return prepare(query);
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      if (error instanceof LimitExceededError) onRefused(error.limit);
      return [error];
    }
  };
};

const TOO_MANY_TOKENS = /^Syntax Error: Document contains more tha[nt] \d+ tokens/;

const parseBounded = (query: string, { maxCharacters, maxTokens }: DocumentLimits) => {
  if (query.length > maxCharacters) {
    throw new LimitExceededError(
      'characters',
      `A query may have at most ${maxCharacters} characters.`,
    );
  }
  try {
    return parse(query, { maxTokens });
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    if (!TOO_MANY_TOKENS.test(error.message)) throw unparsable(error);
    throw new LimitExceededError('tokens', `A query may have at most ${maxTokens} tokens.`);
  }
};
