import { createBridge, type BridgeOptions } from '../../src/bridge/bridge.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { createMetrics } from '../../src/platform/observability/metrics.js';
import { LOG_ID } from './histories.js';
import { inMemoryDeadLetters } from './in-memory-dead-letters.js';

/** A bridge that takes over at once and does not wait long for anything. */
export const bridging = (
  options: Pick<BridgeOptions, 'eventStore' | 'bus'> & Partial<BridgeOptions>,
) => {
  const metrics = createMetrics({ processMetrics: false });
  const deadLetters = inMemoryDeadLetters();
  const bridge = createBridge({
    deadLetters,
    logId: LOG_ID,
    logger: silentLogger(),
    metrics,
    takeOverAfterMs: 0,
    standbyPollMs: 1,
    drainTimeoutMs: 200,
    backoff: { baseMs: 1, maxMs: 5 },
    ...options,
  });
  return { ...bridge, metrics, deadLetters };
};
