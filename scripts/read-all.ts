import { EventStoreDBClient, START } from '@eventstore/db-client';

/**
 * What anybody with EventStoreDB's own client can do: follow the whole log from its beginning until
 * told to stop, then say what was seen. Argument: the connection string.
 */

const connectionString = process.argv[2];
if (connectionString === undefined) throw new Error('Usage: read-all <connection string>');

const client = EventStoreDBClient.connectionString(connectionString);
const subscription = client.subscribeToAll({ fromPosition: START });
const revisions = new Map<string, bigint>();
let events = 0;
let outOfOrder = 0;
let last = 0n;

const report = (why: string): void => {
  console.log(JSON.stringify({ reader: why, events, streams: revisions.size, outOfOrder }));
};

process.once('SIGTERM', () => {
  void subscription.unsubscribe();
});

try {
  for await (const { event, commitPosition } of subscription) {
    if (event === undefined) continue;
    events += 1;
    const position = commitPosition ?? event.position.commit;
    if (position <= last) outOfOrder += 1;
    last = position;
    const { streamId, revision } = event;
    // System streams such as $$s are cut by $maxCount and may start anywhere.
    if (!streamId.startsWith('$') && revisions.has(streamId)) {
      if (revision !== (revisions.get(streamId) ?? -1n) + 1n) outOfOrder += 1;
    }
    revisions.set(streamId, revision);
  }
  report('stopped');
} catch (error) {
  report(`the server went away (${error instanceof Error ? error.name : 'unknown'})`);
}
await client.dispose();
