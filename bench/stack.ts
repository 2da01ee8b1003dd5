import { openKafka } from '../test/support/stack/kafka.js';
import { openMongodb } from '../test/support/stack/mongodb.js';
import { documentLimit, eventLimit } from './limits/l5-documents.js';
import { publishLimit } from './limits/l4-kafka.js';
import { benchArguments } from './support/arguments.js';
import { catchUp, type CatchUp } from './support/catch-up.js';
import { startFreshnessProbe } from './support/freshness-probe.js';
import { runLoad } from './support/http-load.js';
import { commandRequest } from './support/http-request.js';
import { type Cell, printHost, printJson, printTable } from './support/report.js';
import { withSeededStack, type SeededStack, type Servers } from './support/seeded-stack.js';
import { createWorkload } from './support/workload.js';

/**
 * The distributed service: how fast bridge and projector catch up beside what Kafka and the document
 * store can do at all, whether their memory stays where it is over a long log, and how fresh answers
 * are under a steady load. Servers as for `make test-stack`. `--only many-documents`, `long-log` or
 * `freshness` is a part of it.
 */

const { quick, only } = benchArguments();
const BRIDGE = { metric: 'anime_analytics_bridge_events_forwarded_total' };
const PROJECTOR = { metric: 'anime_analytics_projector_events_applied_total' };
const WINDOW_MS = quick ? 5_000 : 30_000;

/** Nearly every event is a document of its own: what the document store can take is the limit. */
const manyDocuments = (servers: Servers) =>
  withSeededStack(
    servers,
    { seed: 1, popularity: 'zipf', interactions: quick ? 20_000 : 200_000 },
    async (stack) => {
      const publish = await publishLimit(servers.kafka, `${stack.topic}-limit`, stack.sample);
      const bridge = await catchUp(stack, 'bridge', BRIDGE);
      await stack.end(['bridge'], 'SIGTERM');
      const documents = await documentLimit(servers.mongodb, `${stack.topic}_limit`, 10_000);
      const projector = await catchUp(stack, 'projector', { ...PROJECTOR, forMs: WINDOW_MS });
      return { publish, documents, bridge, projector };
    },
  );

/** Few documents, so that the projector itself is what is measured, over a long log. */
const longLog = (servers: Servers) =>
  withSeededStack(
    servers,
    {
      ...{ seed: 2, popularity: 'zipf', animes: 20, users: 10 },
      interactions: quick ? 50_000 : 1_000_000,
    },
    async (stack) => {
      const publish = await publishLimit(servers.kafka, `${stack.topic}-limit`, stack.sample);
      const bridge = await catchUp(stack, 'bridge', BRIDGE);
      await stack.end(['bridge'], 'SIGTERM');
      const projector = await catchUp(stack, 'projector', PROJECTOR);
      return { publish, bridge, projector };
    },
  );

const freshnessAt = async (stack: SeededStack, perSecond: number) => {
  const workload = createWorkload({ seed: perSecond, popularity: 'zipf' });
  const probe = startFreshnessProbe({
    commandUrl: () => stack.commandUrl(),
    queryUrl: () => stack.queryUrl(),
    animeId: () => workload().animeId,
    everyMs: 50,
  });
  const port = Number(new URL(stack.commandUrl()).port);
  const next = () => commandRequest(workload());
  const load = await runLoad({ port, next, perSecond, durationMs: WINDOW_MS });
  return { commandsPerSecond: load.perSecond, ...(await probe.finish()) };
};

/** About as many events as the partitions have between two saves at 500 commands a second. */
const EVENTS_A_BATCH = 20;

const freshness = (servers: Servers) =>
  withSeededStack(servers, { seed: 3, popularity: 'zipf', interactions: 0 }, async (stack) => {
    const limit = { batch: EVENTS_A_BATCH, durationMs: quick ? 2_000 : 10_000 };
    const eventsAlone = await eventLimit(servers.mongodb, `${stack.topic}_limit`, limit);
    await stack.start();
    const loads = [await freshnessAt(stack, 100), await freshnessAt(stack, 500)];
    return { eventsAlone, loads };
  });

const printManyDocuments = ({
  bridge,
  projector,
  publish,
  documents,
}: Awaited<ReturnType<typeof manyDocuments>>) => {
  printCatchUp([
    catchUpRow('bridge, 201,000 events', bridge, publish.perSecond, 'perSecond'),
    catchUpRow('projector, many documents', projector, documents, 'documentsPerSecond'),
  ]);
  console.log(
    `Limits: kafkajs alone publishes ${Math.round(publish.perSecond)} records/s with ` +
      `${Math.round(publish.cpuMicros)} us of CPU for each; the document store takes ` +
      `${Math.round(documents)} guarded documents/s.`,
  );
};

const printLongLog = ({ bridge, projector, publish }: Awaited<ReturnType<typeof longLog>>) => {
  printCatchUp([
    catchUpRow('bridge, long log', bridge, publish.perSecond, 'perSecond'),
    catchUpRow('projector, few documents', projector, null, 'perSecond'),
  ]);
};

const printFreshness = ({ eventsAlone, loads }: Awaited<ReturnType<typeof freshness>>) => {
  printTable(
    ['freshness', 'commands/s', 'probes', 'p50 ms', 'p99 ms', 'highest ms'],
    loads.map((found, index) => [
      index === 0 ? 'at 100 commands/s' : 'at 500 commands/s',
      Math.round(found.commandsPerSecond),
      ...[found.probes, found.p50Ms, found.p99Ms, found.maxMs],
    ]),
  );
  console.log(
    `The document store alone, nothing else at work, takes ${Math.round(eventsAlone)} events/s of ` +
      `three documents in batches of ${EVENTS_A_BATCH}: 500 are ${(500 / eventsAlone).toFixed(2)} of that.`,
  );
};

const catchUpRow = (name: string, found: CatchUp, limit: number | null, of: keyof CatchUp) => [
  name,
  Math.round(found.perSecond),
  Math.round(found.documentsPerSecond),
  limit === null ? 'not limited by it' : found[of] / limit,
  Math.round(found.earlyMegabytes),
  Math.round(found.peakMegabytes),
  Math.round(found.cpuMicros),
  Math.round(found.eventStoreCpuMicros),
];

const printCatchUp = (rows: readonly (readonly Cell[])[]) => {
  printTable(
    [
      ...['catch-up', 'events/s', 'documents/s', 'x its limit', 'MB at a tenth', 'MB at most'],
      ...['CPU us/event', 'of the event store'],
    ],
    rows,
  );
};

printHost();
const kafka = await openKafka();
const mongodb = await openMongodb();
try {
  const servers = { kafka: kafka.address, mongodb: mongodb.address };
  const part = async <Found>(
    name: string,
    measure: (servers: Servers) => Promise<Found>,
    print: (found: Found) => void,
  ): Promise<Found | null> => {
    if (only !== undefined && only !== name) return null;
    const found = await measure(servers);
    print(found);
    return found;
  };
  const many = await part('many-documents', manyDocuments, printManyDocuments);
  const long = await part('long-log', longLog, printLongLog);
  const fresh = await part('freshness', freshness, printFreshness);
  printJson('stack', { quick, many, long, fresh });
} finally {
  await mongodb.stop();
  await kafka.stop();
}
