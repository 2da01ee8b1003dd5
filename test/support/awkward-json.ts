import fc from 'fast-check';
import { awkwardTexts } from './awkward-texts.js';
import type { Schema } from './openapi.js';

/** What is seldom of the right type, as JSON text. */
const WRONG = [
  ...['null', 'true', '[]', '{}', '[1]', '"1"', '""', '"NaN"', '{"$gt":""}'],
  ...['-0', '-0.0', '0e0', '1e400', '-1e400', '1e-400', '1.0', '1E2', '9007199254740993'],
];

const wrong = fc.constantFrom(...WRONG);

/** Numbers at and around the limits, and between them. */
const numbers = ({ minimum = 0, maximum = 10 }: Schema): fc.Arbitrary<string> =>
  fc.oneof(
    fc
      .tuple(fc.constantFrom(minimum, maximum), fc.constantFrom(0, 0, -1, 1, 0.5, -0.01, 0.001))
      .map(([limit, more]) => JSON.stringify(limit + more)),
    fc.integer({ min: minimum, max: maximum }).map(String),
    fc.double({ min: minimum, max: maximum, noNaN: true }).map((value) => JSON.stringify(value)),
  );

const lists = ({ items = {}, maxItems = 3 }: Schema): fc.Arbitrary<string> =>
  fc
    .oneof(
      { weight: 5, arbitrary: fc.array(jsonFor(items), { maxLength: 2 }) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(maxItems, maxItems + 1).map((n) => Array<string>(n).fill('"A"')),
      },
    )
    .map((each) => `[${each.join()}]`);

const likely = (schema: Schema): fc.Arbitrary<string> => {
  const types = [schema.type ?? []].flat();
  if (types.includes('string')) {
    return awkwardTexts(schema.maxLength ?? 20).map((text) => JSON.stringify(text));
  }
  return types.includes('array') ? lists(schema) : numbers(schema);
};

/** JSON that mostly keeps a schema, or misses it by a little. */
export const jsonFor = (schema: Schema): fc.Arbitrary<string> =>
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.constantFrom(...(schema.examples ?? ['Action'])).map((e) => JSON.stringify(e)),
    },
    { weight: 4, arbitrary: likely(schema) },
    { weight: 1, arbitrary: wrong },
  );

/** Fields that nobody asked for, some of which reach prototypes where they are assigned. */
const strangers = fc.constantFrom(
  ...['"more":1', '"__proto__":{"user_id":"a","title":"A","polluted":true}', '"Title":"A"'],
  ...['"constructor":{"prototype":{"polluted":true}}', '"":null', '"toString":1'],
);

/** Bodies as JSON text: fields given, left out, given twice and made up, in any order. */
export const bodiesFor = (schema: Schema): fc.Arbitrary<string> => {
  const fields = Object.entries(schema.properties ?? {}).map(([name, part]) =>
    fc
      .tuple(jsonFor(part), jsonFor(part), fc.integer({ min: 0, max: 39 }))
      .map(([first, second, luck]) => {
        const once = `${JSON.stringify(name)}:${first}`;
        const missing = schema.required?.includes(name) === true ? luck === 0 : luck < 20;
        if (missing) return [];
        return luck === 39 ? [once, `${JSON.stringify(name)}:${second}`] : [once];
      }),
  );
  const objects = fc
    .tuple(fc.tuple(...fields), fc.array(strangers, { maxLength: 1 }))
    .chain(([given, strange]) =>
      fc.shuffledSubarray([...given.flat(), ...strange], full(given, strange)),
    )
    .map((members) => `{${members.join()}}`);
  return fc.oneof({ weight: 30, arbitrary: objects }, { weight: 1, arbitrary: wrong });
};

const full = (given: readonly (readonly string[])[], strange: readonly string[]) => {
  const length = given.flat().length + strange.length;
  return { minLength: length, maxLength: length };
};
