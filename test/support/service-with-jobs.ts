import { join } from 'node:path';
import { runCommandLine } from './command-line.js';
import { send } from './http-client.js';
import { type ServiceProcess, startServiceProcess } from './service-process.js';
import { temporaryDirectory } from './temporary-directory.js';

export interface ServiceWithJobs {
  /** Around the data directory: for what else a test writes. */
  readonly directory: string;
  readonly dataDir: string;
  /** The present one: a restart replaces it. */
  readonly service: ServiceProcess;
  /** Runs a job of the command line on the data directory. */
  job(...args: string[]): ReturnType<typeof runCommandLine>;
  /** Clicks on anime 1. */
  click(): Promise<void>;
  restart(): Promise<void>;
  close(): Promise<void>;
}

export interface ServiceWithJobsOptions {
  readonly environment?: NodeJS.ProcessEnv;
  /** Default: those that load the sample catalogue. */
  readonly args?: readonly string[];
  /** On anime 1, before the test begins. */
  readonly clicks?: number;
}

/** Without the gRPC port a job beside the service has only its socket. */
export const WITHOUT_GRPC = { EVENTSTORE_PORT: '0' };

/** The service on a data directory of its own, and jobs on that directory. */
export const startServiceWithJobs = async ({
  environment = {},
  args = ['--sample-catalog', 'data/sample-catalog.csv'],
  clicks = 0,
}: ServiceWithJobsOptions = {}): Promise<ServiceWithJobs> => {
  const { path: directory, remove } = await temporaryDirectory();
  const dataDir = join(directory, 'data');
  const start = () => startServiceProcess({ dataDir, environment, args });
  let service = await start();
  const click = async (): Promise<void> => {
    await send('POST', `${service.commandUrl}/click`, { anime_id: 1, user_id: 'user123' });
  };
  for (let count = 0; count < clicks; count += 1) await click();
  return {
    directory,
    dataDir,
    get service() {
      return service;
    },
    job: (...job) => runCommandLine(job, { DATA_DIR: dataDir, NODE_ENV: 'test' }),
    click,
    restart: async () => {
      service = await start();
    },
    close: async () => {
      await service.end('SIGTERM');
      await remove();
    },
  };
};
