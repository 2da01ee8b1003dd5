import { temporaryDirectory } from '../../test/support/temporary-directory.js';
import { runCommands, type CommandsLoad } from './commands-load.js';
import { profileRows, profilingArgs } from './cpu-profile.js';
import { printJson, printTable } from './report.js';
import { listAnimes, withService, type ServiceOptions } from './service.js';

/**
 * Prints who used each thread of the service under a load. A profile slows down what it shows: it is taken apart
 * from the measurement.
 */
export const profileLoad = async (
  load: Omit<CommandsLoad, 'server' | 'port' | 'settle'>,
  options: ServiceOptions = {},
): Promise<void> => {
  const directory = await temporaryDirectory();
  try {
    const { requests } = await withService(
      async (service) => {
        await listAnimes(service);
        return runCommands({ ...load, server: service, port: service.commandPort }, 1);
      },
      {},
      { ...options, nodeArgs: profilingArgs(directory.path) },
    );
    printTable(
      ['thread', 'owner', '% of its time', 'us a command'],
      (await profileRows(directory.path)).map(({ thread, owner, share, micros }) => [
        ...[thread, owner, share * 100],
        micros / requests,
      ]),
    );
    printJson('profile', { commands: requests, ...load });
  } finally {
    await directory.remove();
  }
};
