import { GraphQLError, GraphQLScalarType, Kind } from 'graphql';

/**
 * Int is 32 bit and turns a larger total into an error. A total that is no whole number is a bug of
 * ours, so serialising it throws a plain error, which is masked and logged.
 */
export const countScalar = new GraphQLScalarType<number, number>({
  name: 'Count',
  description:
    'A whole number from 0 to 2^53-1, as a plain JSON number: totals outgrow the 32 bits of Int.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259#section-6',
  serialize: (value) => {
    if (isCount(value)) return value;
    throw new TypeError(`Count cannot represent ${String(value)}.`);
  },
  parseValue: (value) => {
    if (isCount(value)) return value;
    throw new GraphQLError('A Count is a whole number from 0 to 2^53-1.');
  },
  parseLiteral: (node) => {
    const value = node.kind === Kind.INT ? Number(node.value) : undefined;
    if (isCount(value)) return value;
    throw new GraphQLError('A Count is a whole number from 0 to 2^53-1.', { nodes: node });
  },
});

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;
