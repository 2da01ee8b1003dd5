import { patternOf, type TextRule } from '../../domain/rules.js';
import { REVISION_PATTERN } from './headers.js';

export const textSchema = (description: string, rule: TextRule, example: string) => ({
  type: 'string',
  description,
  ...(rule.mayBeBlank === true ? {} : { minLength: 1 }),
  maxLength: rule.maxLength,
  pattern: patternOf(rule),
  examples: [example],
});

export const numberSchema = (
  type: 'integer' | 'number',
  description: string,
  limits: { readonly minimum: number; readonly maximum: number },
  example: number,
) => ({ type, description, ...limits, examples: [example] });

export const nullable = <Schema extends { readonly type: string }>(schema: Schema) => ({
  ...schema,
  type: [schema.type, 'null'],
});

export const upTo = (maximum: number) => ({ minimum: 0, maximum });

export const objectSchema = <Properties extends object>(
  description: string,
  properties: Properties,
  required: readonly (keyof Properties & string)[],
  example: object,
) => ({ type: 'object', description, properties, required, examples: [example] });

export const labelSchema = (description: string, ...examples: readonly string[]) => ({
  type: 'string',
  description,
  examples,
});

/** 64 bits do not fit into a JSON number. */
export const whole64 = (description: string, example: string) => ({
  type: 'string',
  description,
  pattern: REVISION_PATTERN,
  examples: [example],
});

export const uuidSchema = (description: string, example: string) => ({
  type: 'string',
  format: 'uuid',
  description,
  examples: [example],
});
