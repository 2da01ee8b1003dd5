import { createBridge, type Bridge } from '../bridge/bridge.js';
import type { FlushedPosition } from '../bridge/resume-position.js';
import { ConfigError, type Config } from '../platform/config/config.js';
import { PortError } from '../ports/errors.js';
import type { EventStore } from '../ports/event-store.js';
import type { OpenedBus } from './bus.js';
import type { Dependencies } from './dependencies.js';
import { assertHealthy } from '../platform/observability/health.js';

/** What a bridge feeds. Two of one name are one bridge, of which one publishes and the other stands by. */
export interface Feeds {
  readonly name: string;
  /** No other process can feed it: nobody is waited for. */
  readonly alone?: boolean;
  /** Where the bus keeps nothing: how far the documents are. */
  readonly flushed?: FlushedPosition;
  /** What it was called by the releases before. */
  readonly formerName?: string;
}

export interface BridgeParts extends OpenedBus {
  readonly eventStore: EventStore;
  readonly logId: string;
}

/** Another topic is another bridge, which begins at the log's beginning. */
export const topicOf = ({ kafka }: Config): Feeds => ({ name: kafka.topic });

/** From the log to the bus. */
export const openBridge = async (
  { logger, lifecycle, metrics, health }: Dependencies,
  parts: BridgeParts,
  { alone = false, ...feeds }: Feeds,
): Promise<Bridge> => {
  const bridge = createBridge({
    ...{ ...parts, ...feeds, logger, metrics },
    ...(alone ? { takeOverAfterMs: 0 } : {}),
  });
  await lifecycle.open(
    'bridge',
    () => bridge.start().catch(refusedByBridge),
    () => bridge.stop(),
  );
  metrics.followBridge(() => bridge.status());
  health.register('bridge', () =>
    assertHealthy(bridge.healthy(), bridge.status().problem ?? 'The bridge does not get on.'),
  );
  return bridge;
};

/** A checkpoint or a topic of another log: an address or a name leads to the wrong one. */
const refusedByBridge = (error: unknown): never => {
  if (!(error instanceof PortError) || error.code !== 'CORRUPT') throw error;
  throw new ConfigError(`EVENTSTORE_URL, KAFKA_TOPIC: ${error.message}`);
};
