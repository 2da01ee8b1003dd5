import { BACKWARDS, END, EventStoreDBClient, StreamNotFoundError } from '@eventstore/db-client';
import { eventually } from '../test/support/eventually.js';

/**
 * A client's own projection, with EventStoreDB's official client and nothing of this service: counts all
 * clicks, and compares its state with the link stream of that event type. Creates the projection unless it is
 * there. Usage: own-projection [esdb://localhost:2113?tls=false]
 */

const [url = 'esdb://localhost:2113?tls=false'] = process.argv.slice(2);
const NAME = 'own-clicks';
const QUERY = `fromCategory('anime').when({
  $init: () => ({ clicks: 0 }),
  ClickRegistered: (state) => { state.clicks += 1; return state; },
})`;

const client = EventStoreDBClient.connectionString(url);

const clicksInLog = async (): Promise<number> => {
  const last = client.readStream('$et-ClickRegistered', {
    direction: BACKWARDS,
    fromRevision: END,
    maxCount: 1,
  });
  let clicks = 0;
  try {
    // To the end: the client never settles a read that is left early.
    for await (const { event } of last) clicks = Number(event?.revision) + 1;
  } catch (error) {
    if (!(error instanceof StreamNotFoundError)) throw error;
  }
  return clicks;
};

try {
  const known = await client.listProjections();
  const isNew = known.every(({ name }) => name !== NAME);
  if (isNew) await client.createProjection(NAME, QUERY);
  await eventually(
    async () => {
      const expected = await clicksInLog();
      // Before its first event a projection has no state.
      const { clicks = 0 } = await client.getProjectionState<{ readonly clicks?: number }>(NAME);
      if (clicks !== expected) throw new Error(`${NAME} has ${clicks} of ${expected} clicks.`);
      console.log(JSON.stringify({ projection: NAME, created: isNew, clicks, inLog: expected }));
    },
    { withinMs: 120_000, everyMs: 200 },
  );
} finally {
  await client.dispose();
}
