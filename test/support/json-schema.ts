/** The part of JSON Schema that our OpenAPI documents use. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

const typeOf = (value: unknown): readonly string[] => {
  if (value === null) return ['null'];
  if (Array.isArray(value)) return ['array'];
  return Number.isInteger(value) ? ['integer', 'number'] : [typeof value];
};

/**
 * Where a value differs from its schema; empty when it does not. Stricter than the standard: an
 * object may only have the properties that its schema names.
 */
export const problemsOf = (
  schema: Schema,
  value: unknown,
  definitions: Readonly<Record<string, unknown>>,
  at = '',
): readonly string[] => {
  const name = schema.$ref?.split('/').at(-1);
  if (name !== undefined) return problemsOf(definitions[name] as Schema, value, definitions, at);
  const inner = (part: Schema, child: unknown, key: string | number) =>
    problemsOf(part, child, definitions, `${at}/${key}`);
  const problems: string[] = [];
  const { type, pattern, minimum, maximum } = schema;
  const types = typeOf(value);
  if (type !== undefined && ![type].flat().some((each) => types.includes(each))) {
    return [`${at} is ${types.join()}, not ${String(type)}`];
  }
  if (schema.enum !== undefined && !schema.enum.includes(value)) problems.push(`${at} not in enum`);
  if ('const' in schema && schema.const !== value) problems.push(`${at} is another constant`);
  if (pattern !== undefined && !new RegExp(pattern).test(String(value))) {
    problems.push(`${at} does not match ${pattern}`);
  }
  if (typeof value === 'number') {
    if (minimum !== undefined && value < minimum) problems.push(`${at} is too low`);
    if (maximum !== undefined && value > maximum) problems.push(`${at} is too high`);
  }
  if (Array.isArray(value)) {
    problems.push(...value.flatMap((item, i) => inner(schema.items ?? {}, item, i)));
  } else if (typeof value === 'object' && value !== null && type === 'object') {
    const { properties = {}, required = [], additionalProperties } = schema;
    for (const key of required) if (!(key in value)) problems.push(`${at} lacks ${key}`);
    for (const [key, child] of Object.entries(value)) {
      const part = properties[key] ?? additionalProperties;
      problems.push(
        ...(part === undefined ? [`${at}/${key} is not named`] : inner(part, child, key)),
      );
    }
  }
  return problems;
};
