import type { StackServer } from '../../test/support/stack/server.js';
import { openEventStore } from '../../test/support/stack/event-store.js';
import { fourProcesses, type FourProcesses } from '../../test/support/stack/four-processes.js';
import { openKafka } from '../../test/support/stack/kafka.js';
import { openMongodb } from '../../test/support/stack/mongodb.js';

export interface NativeStack extends FourProcesses {
  readonly servers: Readonly<Record<'eventStore' | 'kafka' | 'mongodb', StackServer>>;
}

/**
 * The servers that the environment names (EVENTSTORE_URL, KAFKA_BROKERS, MONGODB_URL), or such as can
 * be had on this machine, and the four roles on them. Nothing of it is left afterwards.
 */
export const withNativeStack = async (
  use: (stack: NativeStack) => Promise<void>,
  settings: NodeJS.ProcessEnv = {},
): Promise<void> => {
  const opened: StackServer[] = [];
  const open = async (server: Promise<StackServer>): Promise<StackServer> => {
    opened.push(await server);
    return await server;
  };
  try {
    const servers = {
      eventStore: await open(openEventStore()),
      kafka: await open(openKafka()),
      mongodb: await open(openMongodb()),
    };
    const stack = await fourProcesses(
      {
        eventStore: servers.eventStore.address,
        kafka: servers.kafka.address,
        mongodb: servers.mongodb.address,
      },
      settings,
    );
    try {
      await use({ ...stack, servers });
    } finally {
      await stack.stop();
    }
  } finally {
    for (const server of opened.toReversed()) await server.stop();
  }
};
