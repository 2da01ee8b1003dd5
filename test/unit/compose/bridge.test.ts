import { expect } from 'chai';
import { checkpointStreamOf } from '../../../src/bridge/checkpoint.js';
import { openBridge } from '../../../src/compose/bridge.js';
import { ConfigError, loadConfig } from '../../../src/platform/config/config.js';
import { createLifecycle } from '../../../src/platform/lifecycle.js';
import { createHealth } from '../../../src/platform/observability/health.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import { createMetrics } from '../../../src/platform/observability/metrics.js';
import type { EventBus } from '../../../src/ports/event-bus.js';
import { PortError } from '../../../src/ports/errors.js';
import type { JsonObject } from '../../../src/ports/json.js';
import { LOG_ID, logOf } from '../../support/histories.js';
import { inMemoryDeadLetters } from '../../support/in-memory-dead-letters.js';
import { recordingBus } from '../../support/recording-bus.js';

/** Why a bridge on servers does not start with this checkpoint. */
const refusal = async (data: JsonObject): Promise<unknown> => {
  const { store: eventStore } = logOf([]);
  const event = { id: 'c', type: 'BridgeCheckpointed', data, metadata: {} };
  await eventStore.append(checkpointStreamOf('anime-events'), 'no_stream', [event]);
  const logger = silentLogger();
  const lifecycle = createLifecycle({ logger, timeoutMs: 1_000 });
  const metrics = createMetrics({ processMetrics: false });
  const config = loadConfig({ KAFKA_BROKERS: 'kafka:9092', NODE_ENV: 'test' });
  const deadLetters = inMemoryDeadLetters();
  // A bridge that is refused joins no group.
  const bus = recordingBus() as unknown as EventBus;
  const parts = { bus, deadLetters, keeps: true, eventStore, logId: LOG_ID };
  const health = createHealth({ service: 'bridge', version: '0', logger });
  try {
    await openBridge({ config, logger, lifecycle, metrics, health }, parts, {
      name: 'anime-events',
    });
  } catch (error) {
    return error;
  } finally {
    await lifecycle.close();
  }
  return expect.fail('The bridge has started.');
};

describe('a bridge on servers', () => {
  it('is refused for its data, not for a setting, where its checkpoint cannot be read', async () => {
    const error = await refusal({ schemaVersion: 1 });
    expect(error).to.be.instanceOf(PortError).and.include({ code: 'CORRUPT' });
    expect(error)
      .to.have.property('message')
      .that.matches(/^The bridge's checkpoint in bridge-checkpoint-.* Delete the stream /);
  });

  it('is refused for its settings where its checkpoint is of another log', async () => {
    const error = await refusal({ logId: 'another', holder: 'x', state: 'held', position: null });
    expect(error).to.be.instanceOf(ConfigError);
    expect(error)
      .to.have.property('message')
      .that.matches(/^EVENTSTORE_URL, KAFKA_TOPIC: .* belongs to the log another/);
  });
});
