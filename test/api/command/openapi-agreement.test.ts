import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import fc from 'fast-check';
import { bodiesFor } from '../../support/awkward-json.js';
import { serveCommandApi, type CommandApi } from '../../support/command-api.js';
import { isValid, operation, type Parameter, type Schema } from '../../support/openapi.js';

/** Rules that a schema cannot express; the document states them in words. */
const BEYOND_SCHEMAS: readonly ((body: string, fields: readonly unknown[]) => boolean)[] = [
  // A body over 16 KiB is refused before it is parsed.
  (body) => Buffer.byteLength(body) > 16 * 1024,
  // JSON Schema treats negative zero as zero.
  (_body, fields) => fields.some((value) => Object.is(value, -0)),
];

const takesBody = (schema: Schema, body: string): boolean => {
  const parsed = JSON.parse(body) as Readonly<Record<string, unknown>>;
  if (!isValid(schema, parsed)) return false;
  const fields = Object.keys(schema.properties ?? {}).map((name) => parsed[name]);
  return !BEYOND_SCHEMAS.some((refuses) => refuses(body, fields));
};

/** The document states in words that numbers in a path or query are plain digits. */
const READABLE = /^(?:0|[1-9][0-9]*)$/;

const takesParameter = ({ schema }: Parameter, given: string): boolean => {
  if (schema.type === 'string') return isValid(schema, given);
  return READABLE.test(given) && isValid(schema, Number(given));
};

const parameter = (id: string, name: string): Parameter => {
  const found = operation(id).parameters.find((each) => each.name === name);
  return found ?? expect.fail(`${id} has no parameter ${name}`);
};

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
}

/** `fetch` refuses some headers that HTTP allows, and normalises others. */
const send = (api: CommandApi, { method, path, body, headers = {} }: Sent) =>
  new Promise<{ status: number; type: string }>((resolve, reject) => {
    const { port } = api;
    const content = body === undefined ? {} : { 'content-type': 'application/json' };
    const options = { host: '127.0.0.1', port, method, path, headers: { ...content, ...headers } };
    request(options, (response) => {
      text(response).then((answered) => {
        const { type = '' } = JSON.parse(answered) as { type?: string };
        resolve({ status: response.statusCode ?? 0, type });
      }, reject);
    })
      .on('error', reject)
      .end(body);
  });

/** Whether the service refused the request as invalid. */
const isRefused = ({ status, type }: { status: number; type: string }): boolean =>
  [400, 413].includes(status) ||
  (status === 422 && type !== 'urn:problem-type:idempotency-key-reused');

describe('the OpenAPI document and the service agree', () => {
  let api: CommandApi;
  before(async () => {
    api = await serveCommandApi();
    await api.list(1);
  });
  after(() => api.stop());

  /** Also checks that enough requests were accepted and refused for the comparison to mean something. */
  const agree = async <Given>(
    given: fc.Arbitrary<Given>,
    takes: (given: Given) => boolean,
    sent: (given: Given) => Sent,
  ): Promise<void> => {
    const seen = { taken: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(given, async (each) => {
        const answer = await send(api, sent(each));
        expect(answer.status, JSON.stringify(sent(each))).to.be.lessThan(500);
        expect(isRefused(answer), JSON.stringify([sent(each), answer])).to.equal(!takes(each));
        seen[takes(each) ? 'taken' : 'refused'] += 1;
      }),
      { numRuns: 500 },
    );
    expect(Math.min(seen.taken, seen.refused), JSON.stringify(seen)).to.be.greaterThan(25);
  };

  for (const [id, path] of [
    ['recordClick', '/click'],
    ['recordView', '/view'],
    ['recordRating', '/rating'],
    ['putAnime', '/animes/1'],
  ] as const) {
    it(`on the body of ${id}`, async () => {
      const { method, requestBody } = operation(id);
      const schema = requestBody?.content['application/json']?.schema ?? {};
      await agree(
        bodiesFor(schema),
        (body) => takesBody(schema, body),
        (body) => ({ method: method.toUpperCase(), path, body }),
      );
    }).timeout(60_000);
  }

  const DIGITS = [
    ...['0', '1', '7', '499', '500', '501', '2147483646', '2147483647', '2147483648'],
    ...[
      '9223372036854775807',
      '9223372036854775808',
      '9999999999999999999',
      '10000000000000000000',
    ],
    ...['-1', '-0', '+1', '00', '01', '1.0', '1.5', '1e2', '0x1', ' 1', '1 ', '１', 'NaN', '"1"'],
  ];
  const digits = fc.oneof(
    fc.constantFrom(...DIGITS),
    fc.integer({ min: 0, max: 600 }).map(String),
    fc.string({ minLength: 1, maxLength: 3 }).filter((each) => !/^\.{1,2}$/.test(each)),
  );

  for (const [id, template] of [
    ['delistAnime', '/animes/{}'],
    ['readAnimeEvents', '/animes/{}/events'],
  ] as const) {
    it(`on the id in the path of ${id}`, async () => {
      await agree(
        digits.filter((each) => each.isWellFormed()),
        (given) => takesParameter(parameter(id, 'id'), given),
        (given) => ({
          method: operation(id).method.toUpperCase(),
          path: template.replace('{}', () => encodeURIComponent(given)),
        }),
      );
    }).timeout(60_000);
  }

  for (const name of ['from', 'limit']) {
    it(`on the query parameter ${name}`, async () => {
      const described = parameter('readAnimeEvents', name);
      await agree(
        fc.oneof(
          digits.map((each) => [each]),
          fc.array(fc.oneof(digits, fc.constant('')), { minLength: 1, maxLength: 2 }),
        ),
        // A parameter that comes twice is a list.
        ([first = '', ...more]) => more.length === 0 && takesParameter(described, first),
        (given) => {
          const query = new URLSearchParams(given.map((each): [string, string] => [name, each]));
          return { method: 'GET', path: `/animes/1/events?${query.toString()}` };
        },
      );
    }).timeout(60_000);
  }

  const PIECES = ['"', '"', 'W/', ',', ' ', '\t', '*', '5', 'a', '\\', '\x80', '\xff', '~', '!'];

  for (const name of ['If-Match', 'If-None-Match', 'Idempotency-Key']) {
    it(`on the header ${name}`, async () => {
      const { schema } = parameter('recordClick', name);
      const pieces = fc.array(fc.constantFrom(...PIECES), { maxLength: 6 });
      const values = fc.oneof(
        fc.stringMatching(new RegExp(schema.pattern ?? '')),
        pieces.map((each) => each.join('')),
        fc.integer({ min: 254, max: 257 }).map((length) => 'x'.repeat(length)),
        fc.integer({ min: 254, max: 257 }).map((length) => `"${'x'.repeat(length)}"`),
      );
      await agree(
        values,
        // HTTP itself leaves out the blanks around a value.
        (value) => isValid(schema, value.replace(/^[ \t]+|[ \t]+$/g, '')),
        (value) => ({
          method: 'POST',
          path: '/click',
          body: '{"anime_id":1,"user_id":"a"}',
          headers: { [name]: value },
        }),
      );
    }).timeout(60_000);
  }
});
