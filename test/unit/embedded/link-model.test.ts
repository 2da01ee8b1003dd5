import { expect } from 'chai';
import fc from 'fast-check';
import type { EventLog, LogRecord } from '../../../src/embedded-eventstore/log/event-log.js';
import { metadataEvent, rawEvent, temporaryLog, textOf } from '../../support/event-log.js';
import { allLinks, wholeLog } from '../../support/links.js';

const MINUTE = 60_000;
const STREAMS = ['cart-1', 'cart-2', 'order-1', 'nodash', '$sys-1'];
const TYPES = ['A', 'B'];

type Step =
  | { readonly kind: 'append'; readonly stream: string; readonly types: readonly string[] }
  | { readonly kind: 'keep-last' | 'soft-delete' | 'tombstone'; readonly stream: string }
  | { readonly kind: 'restart' | 'let-scavenge' };

const onStream = { stream: fc.constantFrom(...STREAMS) };

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      ...onStream,
      types: fc.array(fc.constantFrom(...TYPES), { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('keep-last' as const, 'soft-delete' as const),
      ...onStream,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('tombstone' as const), ...onStream }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('restart' as const, 'let-scavenge' as const) }),
  },
);

const place = ({ stream, revision }: LogRecord): string => `${revision}@${stream}`;

/** Link streams as filters over everything that was ever in `$all`. */
const filters: Readonly<Record<string, (record: LogRecord) => boolean>> = {
  '$ce-cart': ({ stream, type, data }) =>
    stream.startsWith('cart-') ||
    (stream.startsWith('$$cart-') &&
      type === '$metadata' &&
      Buffer.from(data).toString().includes('"$tb":9223372036854775807')),
  '$ce-order': ({ stream, data }) =>
    stream.startsWith('order-') ||
    (stream.startsWith('$$order-') &&
      Buffer.from(data).toString().includes('"$tb":9223372036854775807')),
  '$ce-$sys': () => false,
  '$et-A': ({ stream, type }) => type === 'A' && !stream.startsWith('$'),
  '$et-B': ({ stream, type }) => type === 'B' && !stream.startsWith('$'),
};

describe('link streams, compared with a filter over all streams', () => {
  it('are the same after any appends, deletions, scavenges and restarts', async () => {
    const property = fc.asyncProperty(fc.array(steps, { maxLength: 25 }), async (history) => {
      let now = 1_000_000;
      const given = await temporaryLog({
        scavenge: { everyMs: 1, minAgeMs: MINUTE },
        now: () => now,
      });
      const ever = new Map<bigint, LogRecord>();
      await given.log.append('first-1', 'any', [rawEvent()]);
      await given.log.indexLinks();
      for (const step of history) {
        await take(step, given.log);
        if (step.kind === 'restart') await given.restart();
        for (const record of wholeLog(given.log)) ever.set(record.position, record);
        await expectLinks(given.log, [...ever.values()]);
        if (step.kind === 'let-scavenge') now += MINUTE + 1;
      }
      await given.remove();
    });
    await fc.assert(property, { numRuns: 25, endOnFailure: true });
  }).timeout(120_000);
});

const take = async (step: Step, log: EventLog): Promise<void> => {
  switch (step.kind) {
    case 'append':
      await log.append(
        step.stream,
        'any',
        step.types.map((type) => rawEvent({ type })),
      );
      return;
    case 'keep-last':
      await log.append(`$$${step.stream}`, 'any', [metadataEvent({ $maxCount: 1 })]);
      return;
    case 'soft-delete':
      await log.softDelete(step.stream, 'any');
      return;
    case 'tombstone':
      await log.tombstone(step.stream, 'any');
      return;
    case 'restart':
    case 'let-scavenge':
      return;
  }
};

const expectLinks = async (log: EventLog, ever: readonly LogRecord[]): Promise<void> => {
  for (const [stream, matches] of Object.entries(filters)) {
    const links = await allLinks(log, stream, 3);
    expect(links.map(({ revision }) => revision)).to.deep.equal(links.map((_, n) => BigInt(n)));
    expect(links.map(textOf)).to.deep.equal(ever.filter(matches).map(place));
  }
};
