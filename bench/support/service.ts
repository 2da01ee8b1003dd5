import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../test/support/free-port.js';
import { openConnection } from './http-connection.js';
import { sendAll } from './http-load.js';
import { graphqlRequest, listRequest, rawRequest } from './http-request.js';
import { compiled } from './paths.js';
import { spawnServer, type ServerProcess } from './server-process.js';

export interface Service extends ServerProcess {
  readonly commandPort: number;
  readonly queryPort: number;
  readonly dataDir: string;
}

export interface ServiceOptions {
  /** Of Node itself. */
  readonly nodeArgs?: readonly string[];
  /** The main script, of another version for example. */
  readonly main?: string;
}

/** The whole service as a user runs it: all roles, embedded, one process. Resolves when it is ready. */
export const startService = async (
  dataDir: string,
  settings: Readonly<Record<string, string>> = {},
  { nodeArgs = [], main = compiled('src/main.js') }: ServiceOptions = {},
): Promise<Service> => {
  const [commandPort, queryPort] = await Promise.all([freePort(), freePort()]);
  const { server, ended } = spawnServer(main, {
    args: ['serve'],
    nodeArgs,
    env: {
      COMMAND_PORT: String(commandPort),
      QUERY_PORT: String(queryPort),
      DATA_DIR: dataDir,
      EVENTSTORE_PORT: '0',
      RATE_LIMIT_PER_MINUTE: '0',
      LOG_LEVEL: 'warn',
      ...settings,
    },
  });
  await Promise.race([Promise.all([commandPort, queryPort].map(untilReady)), ended]);
  return { ...server, commandPort, queryPort, dataDir };
};

export interface CommandApi extends ServerProcess {
  readonly commandPort: number;
}

/** One more command API on an event store. Resolves when it is ready. */
export const startCommandApi = async (
  eventStoreUrl: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<CommandApi> => {
  const commandPort = await freePort();
  const { server, ended } = spawnServer(compiled('src/main.js'), {
    args: ['serve', 'command-api'],
    env: {
      COMMAND_PORT: String(commandPort),
      EVENTSTORE_URL: eventStoreUrl,
      ALLOW_ANONYMOUS: 'true',
      ALLOW_INSECURE: 'true',
      RATE_LIMIT_PER_MINUTE: '0',
      LOG_LEVEL: 'warn',
      ...settings,
    },
  });
  await Promise.race([untilReady(commandPort), ended]);
  return { ...server, commandPort };
};

/** The service on fresh data, gone with them afterwards. */
export const withService = async <T>(
  use: (service: Service) => Promise<T>,
  settings: Readonly<Record<string, string>> = {},
  options: ServiceOptions = {},
): Promise<T> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'anime-analytics-bench-'));
  try {
    const service = await startService(dataDir, settings, options);
    try {
      return await use(service);
    } finally {
      await service.stop();
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
};

export const listAnimes = async (
  { commandPort }: { readonly commandPort: number },
  count = 1000,
): Promise<void> => {
  const requests = Array.from({ length: count }, (_, index) => listRequest(index + 1));
  const statuses = await sendAll(commandPort, requests);
  if (statuses[201] !== count) throw new Error(`Not all were listed: ${JSON.stringify(statuses)}.`);
};

/** Resolves when the read models show every event. */
export const settled = async ({ queryPort }: Service): Promise<void> => {
  const connection = await openConnection(queryPort);
  const request = graphqlRequest('{ serviceInfo { lagEvents } }');
  try {
    for (;;) {
      const { body } = await connection.send(request);
      if (/"lagEvents":0\b/.test(body)) return;
      if (!body.includes('lagEvents')) throw new Error(`The lag is unknown: ${body}`);
      await delay(20);
    }
  } finally {
    connection.close();
  }
};

const untilReady = async (port: number): Promise<void> => {
  for (;;) {
    const answer = await openConnection(port)
      .then(async (connection) => {
        const { status } = await connection.send(rawRequest('GET', '/ready'));
        connection.close();
        return status;
      })
      .catch(() => 0);
    if (answer === 200) return;
    await delay(50);
  }
};
