import { parseArgs } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';
import { createEventStoreDbStore } from '../src/adapters/eventstoredb/event-store.js';
import { silentLogger } from '../src/platform/observability/logger.js';
import { eventually } from '../test/support/eventually.js';
import type { Part } from '../test/support/stack/compose-parts.js';
import { startFreshnessProbe } from '../bench/support/freshness-probe.js';
import { nothingSent, send, singlesAndBatches } from './support/load.js';
import { withNativeStack, type NativeStack } from './support/native-stack.js';
import { sampleAnimeIds } from './support/sample-ids.js';
import { metricOf, scrape } from '../bench/support/scrape.js';
import { storedOnce } from './support/stored-once.js';

/**
 * The distributed service on this machine: real Kafka, a MongoDB protocol server, the event store
 * behind its protocol, four processes. A catalogue, a load over HTTP in which each process is killed
 * once, and then the audit, the lag, the freshness and what was counted. Exits 1 on any difference.
 */

const { values } = parseArgs({
  options: {
    commands: { type: 'string', default: '50000' },
    /** Commands a second; 0 as fast as 64 connections can. */
    rate: { type: 'string', default: '400' },
  },
});
const total = Number(values.commands);
const rate = Number(values.rate);
const KILLED: readonly Part[] = ['bridge', 'projector', 'query-api', 'command-api'];
const SETTLED_WITHIN_MS = 600_000;

const say = (step: string, data: Record<string, unknown>): void => {
  console.log(JSON.stringify({ step, ...data }));
};

/** Counters die with their process, so they are taken before it is killed and at the end. */
const createCounters = () => {
  const names = [
    'anime_analytics_projector_duplicates_total',
    'anime_analytics_projector_gaps_total',
    'anime_analytics_dead_letters_total',
  ];
  const sums = new Map(names.map((name) => [name, 0]));
  return {
    add: (text: string): void => {
      for (const name of names) sums.set(name, (sums.get(name) ?? 0) + metricOf(text, name));
    },
    all: () => Object.fromEntries(sums),
  };
};

const lagOf = async (stack: NativeStack) => {
  const bridge = await scrape(stack.process('bridge').healthUrl);
  const projector = await scrape(stack.process('projector').healthUrl);
  return {
    bridgeCaughtUp: metricOf(bridge, 'anime_analytics_bridge_caught_up') === 1,
    bridgeWaitingEvents: metricOf(bridge, 'anime_analytics_bridge_waiting_events'),
    projectorWaitingRecords: metricOf(projector, 'anime_analytics_projector_waiting_records'),
  };
};

await withNativeStack(async (stack) => {
  const { eventStore, kafka, mongodb } = stack.servers;
  say('servers', {
    eventStore: eventStore.address,
    kafka: kafka.address,
    mongodb: new URL(mongodb.address).host,
  });
  await stack.start();
  const imported = await stack.job('import-catalog', 'data/sample-catalog.csv');
  const ids = await sampleAnimeIds();
  say('catalogue imported', { exitCode: imported.code, titles: ids.length });

  const next = singlesAndBatches(ids);
  const probe = startFreshnessProbe({
    commandUrl: () => stack.commandUrl(),
    queryUrl: () => stack.queryUrl(),
    animeId: () => ids[Math.floor(Math.random() * ids.length)] ?? 1,
    everyMs: 50,
  });
  const counters = createCounters();
  const sent = nothingSent();
  const startedAt = performance.now();
  const portOf = (): number => Number(new URL(stack.commandUrl()).port);
  const share = Math.floor(total / (KILLED.length + 1));
  let begun = 0;

  for (const part of KILLED) {
    const load = send(portOf(), next, share, sent, rate);
    await delay(1_000);
    if (part === 'bridge' || part === 'projector') {
      counters.add(await scrape(stack.process(part).healthUrl));
    }
    await stack.end([part], 'SIGKILL');
    const killedAt = performance.now();
    await stack.start([part]);
    say('killed and started again', {
      part,
      readyAfterMs: Math.round(performance.now() - killedAt),
    });
    begun += await load;
  }
  await send(portOf(), next, total - begun, sent, rate);
  const seconds = (performance.now() - startedAt) / 1000;
  const { statuses, unanswered, acknowledged } = sent;
  say('load', {
    seconds: Math.round(seconds),
    perSecond: Math.round(total / seconds),
    statuses,
    unanswered,
  });

  const settlingAt = performance.now();
  await eventually(
    async () => {
      const { bridgeCaughtUp, bridgeWaitingEvents, projectorWaitingRecords } = await lagOf(stack);
      const isDone = bridgeCaughtUp && bridgeWaitingEvents + projectorWaitingRecords === 0;
      if (!isDone) throw new Error('The pipeline lags.');
    },
    { withinMs: SETTLED_WITHIN_MS, everyMs: 250 },
  );
  say('freshness, kills included', await probe.finish());
  say('lag', {
    ...(await lagOf(stack)),
    settledAfterMs: Math.round(performance.now() - settlingAt),
  });
  for (const part of ['bridge', 'projector'] as const) {
    counters.add(await scrape(stack.process(part).healthUrl));
  }
  say('counted by the processes, those killed included', counters.all());
  const letters = await stack.job('dead-letters', 'list');
  say('dead letters', { listed: letters.output.trim().split('\n').at(-1) });

  const audit = await stack.job('audit');
  console.log(audit.output.trim());
  const store = createEventStoreDbStore({
    connectionString: eventStore.address,
    logger: silentLogger(),
  });
  const log = await storedOnce(store, acknowledged);
  await store.close();
  say('log', { acknowledged: acknowledged.length, ...log });
  const codes = await stack.end(['command-api', 'bridge', 'projector', 'query-api'], 'SIGTERM');
  say('stopped', { exitCodes: codes });
  const exact =
    audit.code === 0 &&
    log.acknowledgedMissing === 0 &&
    log.idsStoredTwice === 0 &&
    codes.every((code) => code === 0);
  console.log(exact ? 'EXACT' : 'NOT EXACT');
  process.exitCode = exact ? 0 : 1;
});
