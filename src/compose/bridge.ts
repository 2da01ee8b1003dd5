import { createBridge, type Bridge } from '../bridge/bridge.js';
import type { FlushedPosition } from '../bridge/starting-point.js';
import type { EventStore } from '../ports/event-store.js';
import { isKafka, type OpenedBus } from './bus.js';
import type { Needs } from './needs.js';
import { unless } from './unless.js';

export interface BridgeParts extends OpenedBus {
  readonly eventStore: EventStore;
  readonly logId: string;
  /** Where the bus keeps nothing: how far the documents are. */
  readonly flushed?: FlushedPosition;
}

/** From the log to the bus. */
export const openBridge = async (needs: Needs, parts: BridgeParts): Promise<Bridge> => {
  const { config, logger, life, metrics, health } = needs;
  // The owner of a data directory has no rival there; on a server, or for a topic, there may be one.
  const alone = config.eventStore.url === '' && !isKafka(config);
  const bridge = createBridge({
    ...{ ...parts, logger, metrics },
    // Another topic is another bridge, which begins at the log's beginning.
    ...(isKafka(config) ? { name: config.kafka.topic } : {}),
    ...(alone ? { takeOverAfterMs: 0 } : {}),
  });
  await life.open(
    'bridge',
    () => bridge.start(),
    () => bridge.stop(),
  );
  metrics.followBridge(() => bridge.status());
  health.register('bridge', () =>
    unless(bridge.healthy(), bridge.status().problem ?? 'The bridge does not get on.'),
  );
  return bridge;
};
