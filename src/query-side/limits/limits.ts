import { GraphQLError } from 'graphql';

/** How much a document may ask for. Each limit refuses with its own code. */
export interface DocumentLimits {
  readonly maxCharacters: number;
  readonly maxTokens: number;
  readonly maxDepth: number;
  /** Counted as executed: an alias in a fragment counts wherever the fragment is spread. */
  readonly maxAliases: number;
  /** Fields of the largest possible answer, and a thousand for every list that the store makes. */
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

/** A refusal by a limit, apart from other errors so that it can be counted. */
export class LimitExceededError extends GraphQLError {
  constructor(
    readonly limit: LimitName,
    message: string,
  ) {
    super(message, { extensions: { code: `${limit.toUpperCase()}_LIMIT_EXCEEDED` } });
  }
}
