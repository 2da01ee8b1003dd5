import { parseStoreJob } from '../../src/cli/arguments.js';
import { lockDirectory } from '../../src/embedded-eventstore/lock.js';
import { type JobServerOptions, openJobServer } from '../../src/jobs/socket-server.js';
import { loadConfig } from '../../src/platform/config/config.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { temporaryDirectory } from './temporary-directory.js';

type Served = Partial<Pick<JobServerOptions, 'perform' | 'openImport'>>;

/** The sockets for jobs of one test, as of services that own their data directories. */
export const jobSockets = async () => {
  const directory = await temporaryDirectory();
  const closing: (() => Promise<void> | void)[] = [];
  return {
    directory: directory.path,

    open: async (served: Served, dataDir = directory.path) => {
      const lock = lockDirectory(dataDir);
      const config = loadConfig({ NODE_ENV: 'test', DATA_DIR: dataDir });
      const server = await openJobServer({
        config,
        logger: silentLogger(),
        parse: parseStoreJob,
        perform: () => Promise.resolve(true),
        openImport: () => Promise.resolve(() => Promise.resolve('listed' as const)),
        ...served,
      });
      let closed: Promise<void> | undefined;
      const close = (): Promise<void> => (closed ??= server.close());
      closing.push(() => lock.release(), close);
      return { path: server.path, config, close };
    },

    /** Closes before all that was opened earlier. */
    closeLater: (close: () => Promise<void>): void => void closing.push(close),

    close: async (): Promise<void> => {
      for (const close of closing.reverse()) await close();
      await directory.remove();
    },
  };
};
