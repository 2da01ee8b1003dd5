import { runKafkaTool } from './kafka-native.js';

const QUOTAS = ['producer_byte_rate', 'consumer_byte_rate'];

/** Bounds the bytes that each client may send and fetch in a second; null lifts the bound. */
export const throttleClients = async (
  brokers: string,
  bytesPerSecond: number | null,
): Promise<void> => {
  const change =
    bytesPerSecond === null
      ? ['--delete-config', QUOTAS.join(',')]
      : ['--add-config', QUOTAS.map((quota) => `${quota}=${bytesPerSecond}`).join(',')];
  await runKafkaTool([
    ...['kafka.admin.ConfigCommand', '--bootstrap-server', brokers, '--alter'],
    ...['--entity-type', 'clients', '--entity-default', ...change],
  ]);
};
