import { expect } from 'chai';
import kafkajs, { type Admin, type ITopicConfig } from 'kafkajs';
import {
  type ClusterAdmin,
  ensureTopic,
  refuseRetention,
  warnOfRetention,
} from '../../../src/adapters/kafka/topics.js';
import { busError } from '../../../src/adapters/kafka/client.js';
import { silentLogger, type Logger } from '../../../src/platform/observability/logger.js';
import { PortError } from '../../../src/ports/errors.js';
import { rejectionOf } from '../../support/rejection-of.js';

const KEPT = { 'retention.ms': '-1', 'retention.bytes': '-1', 'cleanup.policy': 'delete' };
const SETTINGS = { topic: 'events', partitions: 3, replicationFactor: 0 };

/** A cluster with one topic or none, and the settings of that topic or why they are not told. */
const cluster = ({
  exists = true,
  settings = KEPT,
}: {
  readonly exists?: boolean;
  readonly settings?: Readonly<Record<string, string>> | Error;
}) => {
  const created: ITopicConfig[] = [];
  const configEntries =
    settings instanceof Error
      ? []
      : Object.entries(settings).map(([configName, configValue]) => ({ configName, configValue }));
  const kafka = {
    fetchTopicMetadata: () => {
      const partitions = Array.from({ length: exists || created.length > 0 ? 3 : 0 });
      return Promise.resolve({ topics: [{ name: 'events', partitions }] });
    },
    createTopics: ({ topics }: { readonly topics: ITopicConfig[] }) => {
      created.push(...topics);
      return Promise.resolve(true);
    },
    describeConfigs: () =>
      settings instanceof Error
        ? Promise.reject(settings)
        : Promise.resolve({ resources: [{ resourceName: 'events', configEntries }] }),
  };
  const admin: ClusterAdmin = {
    ask: (question) =>
      question(kafka as unknown as Admin).catch((error: unknown) => {
        throw busError(error);
      }),
    close: () => Promise.resolve(),
  };
  return { admin, created };
};

const warnings = () => {
  const lines: { readonly message: string; readonly [key: string]: unknown }[] = [];
  const logger: Logger = {
    ...silentLogger(),
    warn: (message, data) => void lines.push({ message, ...data }),
  };
  return { lines, logger };
};

const protocolError = (type: string): Error =>
  Reflect.construct(kafkajs.KafkaJSProtocolError as never, [
    Object.assign(new Error(type), { type, code: 29, retriable: false }),
  ]);

describe('topics of Kafka', () => {
  it("are created without retention and with the broker's clock, whatever its defaults", async () => {
    const { admin, created } = cluster({ exists: false });
    expect(await ensureTopic(admin, SETTINGS)).to.equal(3);
    expect(created).to.have.length(1);
    const entries = (created[0]?.configEntries ?? []).map(({ name, value }) => [name, value]);
    expect(Object.fromEntries(entries)).to.deep.equal({
      ...KEPT,
      'message.timestamp.type': 'LogAppendTime',
    });
  });

  it('are accepted as they are where they keep everything', async () => {
    const { admin, created } = cluster({ settings: { ...KEPT, 'compression.type': 'gzip' } });
    const { lines, logger } = warnings();
    expect(await ensureTopic(admin, SETTINGS)).to.equal(3);
    await refuseRetention(admin, 'events', logger);
    expect([created, lines]).to.deep.equal([[], []]);
  });

  for (const [name, value] of [
    ['retention.ms', '604800000'],
    ['retention.bytes', '1073741824'],
    ['cleanup.policy', 'compact'],
    ['cleanup.policy', 'compact,delete'],
  ] as const) {
    it(`are refused with ${name}=${value}, naming the right value`, async () => {
      const { admin } = cluster({ settings: { ...KEPT, [name]: value } });
      const error = await rejectionOf(refuseRetention(admin, 'events', silentLogger()));
      if (!(error instanceof PortError)) throw error;
      expect([error.code, error.retriable]).to.deep.equal(['NOT_SUPPORTED', false]);
      expect(error.message).to.equal(
        `The topic events forgets events: its ${name} is ${value}. Set ${name}=${KEPT[name]} on it.`,
      );
    });
  }

  it('are refused with all wrong settings at once', async () => {
    const { admin } = cluster({
      settings: { 'retention.ms': '1', 'retention.bytes': '2', 'cleanup.policy': 'delete' },
    });
    const error = await rejectionOf(refuseRetention(admin, 'events', silentLogger()));
    if (!(error instanceof PortError)) throw error;
    expect(error.message).to.equal(
      'The topic events forgets events: its retention.ms is 1, retention.bytes is 2. ' +
        'Set retention.ms=-1, retention.bytes=-1 on it.',
    );
  });

  it('are accepted with a warning where their settings may not be read', async () => {
    const { admin } = cluster({ settings: protocolError('TOPIC_AUTHORIZATION_FAILED') });
    const { lines, logger } = warnings();
    await refuseRetention(admin, 'events', logger);
    expect(lines.map(({ message, topic }) => [message, topic])).to.deep.equal([
      ['Access to the settings of a topic is denied: make sure that it has no retention', 'events'],
    ]);
  });

  it('are not accepted while their settings are unknown', async () => {
    const { admin } = cluster({ settings: protocolError('REQUEST_TIMED_OUT') });
    const error = await rejectionOf(refuseRetention(admin, 'events', silentLogger()));
    expect(error).to.be.instanceOf(PortError).with.property('code', 'UNAVAILABLE');
  });

  it('of dead letters cause a warning, not a refusal', async () => {
    const { admin } = cluster({ settings: { ...KEPT, 'retention.ms': '1' } });
    const { lines, logger } = warnings();
    await warnOfRetention(admin, 'events', logger);
    expect(lines).to.deep.equal([
      {
        message: 'A topic has retention: records will be lost',
        topic: 'events',
        found: { 'retention.ms': '1' },
      },
    ]);
  });
});
