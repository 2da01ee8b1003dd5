import kafkajs from 'kafkajs';
import type { Logger } from '../../platform/logger.js';
import { PortError } from '../../ports/errors.js';
import type { ClusterAdmin } from './admin.js';

// At run time a property of the default export alone.
const { ConfigResourceTypes } = kafkajs;

/** What makes a topic keep every record for ever, whatever the broker's defaults are. */
const KEPT_FOR_EVER: Readonly<Record<string, string>> = {
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'cleanup.policy': 'delete',
};

export const keptForEver = () =>
  Object.entries(KEPT_FOR_EVER).map(([name, value]) => ({ name, value }));

/** A log with holes is none, and a rebuild from it would be wrong without a word. */
export const refuseForgetful = async (
  admin: ClusterAdmin,
  topic: string,
  logger: Logger,
): Promise<void> => {
  const found = Object.entries(await settingsThatForget(admin, topic, logger));
  if (found.length === 0) return;
  const are = found.map(([name, value]) => `${name} is ${value}`).join(', ');
  const set = found.map(([name]) => `${name}=${KEPT_FOR_EVER[name]}`).join(', ');
  throw new PortError(
    'NOT_SUPPORTED',
    `The topic ${topic} forgets events: its ${are}. Set ${set} on it.`,
    false,
    { context: { topic, found: Object.fromEntries(found) } },
  );
};

export const warnOfForgetful = async (
  admin: ClusterAdmin,
  topic: string,
  logger: Logger,
): Promise<void> => {
  const found = await settingsThatForget(admin, topic, logger);
  if (Object.keys(found).length > 0) logger.warn('A topic forgets its records', { topic, found });
};

const settingsThatForget = async (
  admin: ClusterAdmin,
  topic: string,
  logger: Logger,
): Promise<Readonly<Record<string, string>>> => {
  const resources = [
    { type: ConfigResourceTypes.TOPIC, name: topic, configNames: Object.keys(KEPT_FOR_EVER) },
  ];
  try {
    const described = await admin.ask((kafka) =>
      kafka.describeConfigs({ resources, includeSynonyms: false }),
    );
    const entries = described.resources.flatMap(({ configEntries }) => configEntries);
    const found = new Map(entries.map(({ configName, configValue }) => [configName, configValue]));
    return Object.fromEntries(
      Object.entries(KEPT_FOR_EVER).flatMap(([name, wanted]) => {
        const value = found.get(name) ?? wanted;
        return value === wanted ? [] : [[name, value]];
      }),
    );
  } catch (error) {
    if (!(error instanceof PortError) || error.code !== 'ACCESS_DENIED') throw error;
    logger.warn('The settings of a topic may not be read: see to it that it keeps its records', {
      ...{ topic, error },
    });
    return {};
  }
};
