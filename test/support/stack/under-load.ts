import { expect } from 'chai';
import {
  expectHistoryKept,
  recordCommands,
  sendSome,
  type CommandHistory,
  type RecordOptions,
} from '../command-history.js';
import { gapsIn } from '../recording-bus.js';
import { openEventStore } from './event-store.js';
import { fourProcesses, type FourProcesses } from './four-processes.js';
import { startOwnKafka } from './kafka.js';
import { startOwnMongodb } from './mongodb.js';
import { publishedEvents } from './published-records.js';
import { orSkip, type StackServer } from './server.js';
import { stopAll } from './stop-all.js';
import { expectAuditClean, expectMoving, freshAnimeIds, list } from './story.js';

/** Four processes on servers of their own, for tests that break one after the other under load. */
export interface StackUnderLoad {
  stack: FourProcesses;
  eventStore: StackServer;
  kafka: StackServer;
  mongodb: StackServer;
  load: CommandHistory;
  readonly animeIds: readonly number[];
  /** An anime whose answers show that the pipeline moves. */
  readonly witness: number;
  /** Ends the load, if one runs, and starts another. */
  readonly restartLoad: (rate?: Pick<RecordOptions, 'clients' | 'paceMs'>) => Promise<void>;
  /** The load goes on; whatever was acknowledged is there once, in order, and in the documents. */
  readonly expectPromisesKept: (options?: { readonly isTopicWhole?: boolean }) => Promise<void>;
}

const COMMANDS = 100;
/** Without a pause the documents fall behind, and each check of a promise waits for them. */
const PACE_MS = 50;

/** Sets up the suite that calls it; what it returns is complete once its `before` has run. */
export const stackUnderLoad = (
  settings: (context: Mocha.Context) => NodeJS.ProcessEnv = () => ({}),
): StackUnderLoad => {
  const animeIds = freshAnimeIds(20);
  const [witness = 0] = animeIds;
  const given = {
    animeIds,
    witness,
    restartLoad: async (rate: Pick<RecordOptions, 'clients' | 'paceMs'> = {}): Promise<void> => {
      await (given as Partial<StackUnderLoad>).load?.finish();
      const commandUrl = (): string => given.stack.commandUrl();
      given.load = recordCommands({ commandUrl, animeIds, paceMs: PACE_MS, ...rate });
      await sendSome(given.load, COMMANDS);
    },
    expectPromisesKept: async ({ isTopicWhole = true } = {}): Promise<void> => {
      const { stack, load } = given;
      await expectMoving(stack, witness);
      await sendSome(load, COMMANDS);
      await load.finish();
      await expectHistoryKept(stack.commandUrl(), load);
      await expectMoving(stack, witness);
      await expectAuditClean(stack);
      if (isTopicWhole) expect(gapsIn(await publishedEvents(stack))).to.deep.equal([]);
    },
  } as StackUnderLoad;

  before(async function () {
    this.timeout(300_000);
    const more = settings(this);
    // Of their own: others must not see them end, nor what is in the log.
    given.eventStore = await orSkip(this, 'eventstoredb', openEventStore, { own: true });
    given.kafka = await orSkip(this, 'kafka', startOwnKafka, { own: true });
    given.mongodb = await orSkip(this, 'mongodb', startOwnMongodb, { own: true });
    const { eventStore, kafka, mongodb } = given;
    given.stack = await fourProcesses(
      { eventStore: eventStore.address, kafka: kafka.address, mongodb: mongodb.address },
      more,
    );
    await given.stack.start();
    await list(given.stack.commandUrl(), animeIds);
    await expectMoving(given.stack, witness);
  });
  after(() => stopAll([given.stack, given.kafka, given.mongodb, given.eventStore]));

  beforeEach(() => given.restartLoad());
  afterEach(() => given.load.finish());
  return given;
};
