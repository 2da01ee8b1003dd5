import { expect } from 'chai';
import fc from 'fast-check';
import type { CommandOptions, CommandResult } from '../../../src/ports/command-result.js';
import type { EventStore, RecordedEvent } from '../../../src/ports/event-store.js';
import {
  conflict,
  loseAnswer,
  neverApply,
  refuse,
  type AppendFault,
} from '../../support/faulty-event-store.js';
import {
  freshAnime,
  handlerOver,
  openStore,
  streamOfAnime,
  withKey,
} from '../../support/command-handler.js';

const FAULTS = { conflict, loseAnswer, neverApply, refuse } satisfies Record<string, AppendFault>;

type Kind = 'list' | 'delist' | 'click' | 'view' | 'rating';

interface Call {
  readonly kind: Kind;
  /** Which of the two processes gets it. */
  readonly process: 0 | 1;
  readonly key: number | undefined;
  readonly ifMatch: number | undefined;
  /** Sent together with the next one. */
  readonly together: boolean;
}

interface Told {
  readonly options: Partial<CommandOptions>;
  readonly result: CommandResult;
}

const call: fc.Arbitrary<Call> = fc.record({
  kind: fc.constantFrom<Kind>('list', 'delist', 'click', 'click', 'view', 'rating'),
  process: fc.constantFrom<0 | 1>(0, 0, 0, 1),
  key: fc.option(fc.nat(3), { nil: undefined, freq: 3 }),
  ifMatch: fc.option(fc.nat(8), { nil: undefined, freq: 1 }),
  together: fc.boolean(),
});

const fault = fc.constantFrom(undefined, undefined, undefined, ...Object.values(FAULTS));

describe('a history of commands through failures', () => {
  let store: EventStore;
  let close: () => Promise<void>;
  before(async () => ({ store, close } = await openStore()));
  after(() => close());

  const run = async (calls: readonly Call[], faults: readonly (AppendFault | undefined)[]) => {
    const anime = freshAnime();
    const limits = { snapshotEvery: 3, deadlineMs: 2000, conflictRetries: 50 };
    const processes = [handlerOver(store, limits), handlerOver(store, limits)] as const;
    const forward: AppendFault = (append) => append.forward();
    for (const { next } of processes) next(...faults.map((each) => each ?? forward));
    const results: Told[] = [];
    let group: Promise<unknown>[] = [];
    for (const { kind, process, key, ifMatch, together } of calls) {
      const options = {
        ...(key === undefined ? {} : withKey(`k${key}`)),
        ...(ifMatch === undefined ? {} : { ifMatch: [BigInt(ifMatch)] }),
      };
      const sent = processes[process].send(anime[kind], options);
      group.push(sent.then((result) => results.push({ options, result })));
      if (together) continue;
      await Promise.all(group);
      group = [];
    }
    await Promise.all(group);
    await Promise.all(processes.map(({ drain }) => drain()));
    return { events: await streamOfAnime(store, anime.id), results };
  };

  it('leaves each accepted event once, at the revision of its response, as the rules allow', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(call, { minLength: 1, maxLength: 25 }),
        fc.array(fault, { maxLength: 12 }),
        async (calls, faults) => {
          const { events, results } = await run(calls, faults);
          expectAnswersMatch(events, results);
          expectRulesKept(events);
        },
      ),
      { numRuns: 60 },
    );
  }).timeout(60_000);
});

const expectAnswersMatch = (events: readonly RecordedEvent[], results: readonly Told[]): void => {
  const stored = new Map(events.map((event) => [event.id, event]));
  expect(stored.size, 'an event is stored twice').to.equal(events.length);
  const told = new Set<string>();
  for (const { result, options } of results) {
    if (result.kind !== 'accepted' && result.kind !== 'replayed') continue;
    const event = stored.get(result.eventId);
    expect(event?.revision).to.equal(result.revision);
    expect(event?.type).to.equal(result.type);
    if (result.kind === 'accepted' && options.ifMatch !== undefined) {
      expect(options.ifMatch).to.deep.equal([result.revision - 1n]);
    }
    told.add(result.eventId);
  }
  const unknown = results.filter(({ result }) => result.kind === 'outcome-unknown').length;
  expect(events.length).to.be.within(told.size, told.size + unknown);
};

const expectRulesKept = (events: readonly RecordedEvent[]): void => {
  let listed = false;
  for (const { type, revision } of events) {
    // Only a listing comes while an anime is not listed, and none while it is.
    expect(type === 'AnimeListed', `${type} at ${revision}`).to.equal(!listed);
    listed = type !== 'AnimeDelisted';
  }
};
