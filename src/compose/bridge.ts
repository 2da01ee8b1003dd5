import { createBridge, type Bridge } from '../bridge/bridge.js';
import { AnotherLogError, type FlushedPosition } from '../bridge/checkpoint.js';
import { ConfigError, type Config } from '../platform/config/config.js';
import { PortError } from '../ports/errors.js';
import type { EventStore } from '../ports/event-store.js';
import { isKafka, type OpenedBus } from './bus.js';
import type { Dependencies } from './dependencies.js';
import { isMongodb } from './read-store.js';
import { assertHealthy } from '../platform/observability/health.js';

/** The target of a bridge. Of two bridges with one name, one publishes and the other stands by. */
export interface BridgeTarget {
  readonly name: string;
  /** No other process can publish to it, so there is no lease to wait for. */
  readonly alone?: boolean;
  /** The position of the documents, where the bus keeps no records. */
  readonly flushed?: FlushedPosition;
  /** Its name in earlier releases. */
  readonly formerName?: string;
}

export interface BridgeParts extends OpenedBus {
  readonly eventStore: EventStore;
  readonly logId: string;
}

/** Each topic has its own bridge, which starts at the beginning of the log. */
export const topicOf = ({ kafka }: Config): BridgeTarget => ({ name: kafka.topic });

/** From the log to the bus. */
export const openBridge = async (
  { config, logger, lifecycle, metrics, health }: Dependencies,
  parts: BridgeParts,
  { alone = false, ...target }: BridgeTarget,
): Promise<Bridge> => {
  const bridge = createBridge({
    ...parts,
    ...target,
    logger,
    metrics,
    ...(alone ? { takeOverAfterMs: 0 } : {}),
    ...(isKafka(config) ? { destination: { system: 'kafka', name: config.kafka.topic } } : {}),
  });
  await lifecycle.open(
    'bridge',
    () => bridge.start().catch(refusedByBridge(config)),
    () => bridge.stop(),
  );
  metrics.followBridge(() => bridge.status());
  health.register('bridge', () => {
    const { healthy, problem } = bridge.status();
    return assertHealthy(healthy, problem ?? 'The bridge is not making progress.');
  });
  return bridge;
};

/**
 * With servers, a checkpoint or a topic of another log is a wrong setting. A checkpoint of the embedded
 * documents cannot be deleted in its stream, since no server runs.
 */
const refusedByBridge =
  (config: Config) =>
  (error: unknown): never => {
    if (!(error instanceof PortError) || error.code !== 'CORRUPT') throw error;
    if (!isKafka(config) && !isMongodb(config)) {
      const { message, context } = error;
      throw new PortError('CORRUPT', `${message} ${NEW_CHECKPOINT}`, false, {
        context,
        cause: error,
      });
    }
    if (!(error instanceof AnotherLogError)) throw error;
    throw new ConfigError(`EVENTSTORE_URL, KAFKA_TOPIC: ${error.message}`);
  };

const NEW_CHECKPOINT =
  'Or delete the directory read-models in DATA_DIR: the documents are computed again from the log, with ' +
  'a new checkpoint.';
