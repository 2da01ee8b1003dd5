import { expect } from 'chai';
import fc from 'fast-check';
import { bodiesFor } from '../support/awkward-json.js';
import { serveCommandApi, type Answer, type CommandApi } from '../support/command-api.js';
import { operation } from '../support/openapi.js';

type Fields = Readonly<Record<string, unknown>>;

interface Given {
  readonly kind: 'click' | 'view' | 'rating';
  /** As JSON, since it may name a field twice. */
  readonly body: string;
  readonly key: string | undefined;
}

const OPERATIONS = { click: 'recordClick', view: 'recordView', rating: 'recordRating' } as const;

const commands: fc.Arbitrary<Given> = fc
  .constantFrom('click' as const, 'view' as const, 'rating' as const)
  .chain((kind) => {
    const { content } = operation(OPERATIONS[kind]).requestBody ?? expect.fail('no body');
    const schema = content['application/json']?.schema ?? {};
    const key = fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined });
    return fc.record({ kind: fc.constant(kind), body: bodiesFor(schema), key });
  })
  // A body that is no object cannot say what it is, and one with more than 16 KiB is refused alone.
  .filter(({ body }) => body.startsWith('{') && Buffer.byteLength(body) < 16 * 1024);

const entryOf = ({ kind, body, key }: Given): string => {
  const members = [`"type":"${kind}"`, ...(key === undefined ? [] : [`"id":"${key}"`])];
  const rest = body.slice(1);
  return `{${members.join()}${rest === '}' ? '' : ','}${rest}`;
};

/** What the two ways of sending must agree on: all but ids, places and what only one of them has. */
const comparable = (result: Fields): Fields => {
  const only = ['eventId', 'position', 'instance', 'requestId', 'message'];
  return Object.fromEntries(Object.entries(result).filter(([name]) => !only.includes(name)));
};

const ofSingle = ({ status, headers, body }: Answer): Fields => ({
  ...comparable(body),
  status,
  ...(headers.has('idempotency-replayed') ? { replayed: true } : {}),
});

describe('a batch and single commands', () => {
  const open = async (): Promise<CommandApi> => {
    const api = await serveCommandApi();
    await api.list(1);
    return api;
  };
  let inBatches: CommandApi;
  let alone: CommandApi;
  before(async () => {
    inBatches = await open();
    alone = await open();
  });
  after(() => Promise.all([inBatches.stop(), alone.stop()]));

  it('have the same results, whatever is sent', async () => {
    const seen = new Set<unknown>();
    await fc.assert(
      fc.asyncProperty(
        fc.array(commands, { minLength: 1, maxLength: 12 }),
        fc.boolean(),
        async (given, asLines) => {
          const entries = given.map(entryOf);
          const { body } = await inBatches.post(
            '/batch',
            asLines ? entries.join('\n') : `[${entries.join()}]`,
            asLines ? { 'content-type': 'application/x-ndjson' } : {},
          );
          const singles: Fields[] = [];
          for (const { kind, body: text, key } of given) {
            const headers: Record<string, string> =
              key === undefined ? {} : { 'idempotency-key': key };
            singles.push(ofSingle(await alone.post(`/${kind}`, text, headers)));
          }
          const results = body['results'] as readonly Fields[];
          expect(results.map(comparable)).to.deep.equal(singles);
          for (const { status, replayed } of results) seen.add(replayed ?? status);
        },
      ),
      { numRuns: 150 },
    );
    expect([...seen]).to.include.members([201, 404, 422, true]);
  }).timeout(60_000);
});
