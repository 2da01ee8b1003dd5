import { startNativeKafka, type NativeKafkaOptions } from './kafka-native.js';
import { NotHere, type StackServer } from './server.js';

/** A broker of the test's own, to be killed and cut off, or a skipped suite that says why. */
export const ownKafkaOrSkip = async (
  context: Mocha.Context,
  options: NativeKafkaOptions = {},
): Promise<StackServer> => {
  try {
    return await startNativeKafka(options);
  } catch (error) {
    const required = (process.env['REQUIRE_STACK'] ?? '').split(',').includes('kafka');
    if (required || !(error instanceof NotHere)) throw error;
    process.stdout.write(`      skipped: ${error.message}\n`);
    return context.skip();
  }
};
