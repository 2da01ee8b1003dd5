import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { within } from '../../src/platform/async/abort.js';
import { startEmbeddedNode, type EmbeddedNode } from './embedded-node.js';
import { eventually } from './eventually.js';
import { query, send } from './http-client.js';
import { startServiceProcess, type ServiceProcess } from './service-process.js';
import { temporaryDirectory } from './temporary-directory.js';

/** Services that stand for hosts: each has a data directory of its own, on whatever servers are named. */
export const hosts = () => {
  const directories: Awaited<ReturnType<typeof temporaryDirectory>>[] = [];
  const services: ServiceProcess[] = [];
  const nodes: EmbeddedNode[] = [];

  const directory = async (): Promise<string> => {
    const made = await temporaryDirectory();
    directories.push(made);
    return made.path;
  };

  const start = async (
    environment: NodeJS.ProcessEnv = {},
    dataDir?: string,
    ...args: readonly string[]
  ): Promise<ServiceProcess> => {
    const service = await startServiceProcess({
      dataDir: dataDir ?? (await directory()),
      environment,
      args,
    });
    services.push(service);
    return service;
  };

  return {
    directory,
    start,

    /** The address of an event store that belongs to none of them. */
    eventStore: async (): Promise<string> => {
      const node = await startEmbeddedNode({ dataDir: await directory() });
      nodes.push(node);
      return node.connectionString;
    },

    /** The data directory of another host with a copy of the documents. */
    copyOfDocuments: async (dataDir: string): Promise<string> => {
      const copy = await directory();
      await cp(join(dataDir, 'read-models'), join(copy, 'read-models'), { recursive: true });
      return copy;
    },

    /** What a service says that refuses to start with exit code 2. */
    refusalOf: async (environment: NodeJS.ProcessEnv, dataDir?: string): Promise<string> => {
      const error = await start(environment, dataDir).then(
        () => expect.fail('It started.'),
        (reason: unknown) => reason as Error,
      );
      expect(error.message).to.match(/ended with 2 before it was ready/);
      return error.message;
    },

    stop: async (): Promise<void> => {
      // Members that say goodbye leave groups that can be deleted at once.
      await Promise.all(services.map(endSoon));
      for (const node of nodes) await node.stop();
      for (const made of directories) await made.remove();
    },
  };
};

const endSoon = async (service: ServiceProcess): Promise<void> => {
  const late = () => new Error('It did not end in time.');
  await within(5_000, service.end('SIGTERM'), late).catch(() => service.end('SIGKILL'));
};

export type Hosts = ReturnType<typeof hosts>;

export const list = async ({ commandUrl }: ServiceProcess, animeId: number): Promise<void> => {
  const { status } = await send('PUT', `${commandUrl}/animes/${animeId}`, { title: 'A title' });
  expect(status).to.be.oneOf([200, 201]);
};

/** Answers the revision of the click. */
export const click = async ({ commandUrl }: ServiceProcess, animeId: number): Promise<unknown> => {
  const command = { anime_id: animeId, user_id: 'user123' };
  const { status, body } = await send('POST', `${commandUrl}/click`, command);
  expect(status).to.equal(201);
  return body['revision'];
};

const STATS = `query Stats($animeId: Int!, $minRevision: String) {
  animeStats(animeId: $animeId, minRevision: $minRevision) { totalClicks }
}`;

/** Resolves once its documents have the revision, and as many clicks. */
export const sees = (
  { queryUrl }: ServiceProcess,
  animeId: number,
  { clicks, revision }: { readonly clicks: number; readonly revision: unknown },
  { withinMs = 5_000 } = {},
): Promise<void> =>
  eventually(
    async () => {
      const { animeStats } = await query(queryUrl, STATS, { animeId, minRevision: revision });
      expect(animeStats).to.deep.equal({ totalClicks: clicks });
    },
    { withinMs },
  );

/** Resolves once it is ready and healthy. */
export const isWell = ({ commandUrl, queryUrl }: ServiceProcess): Promise<void> =>
  eventually(
    async () => {
      expect((await send('GET', new URL('/ready', queryUrl).href)).status).to.equal(200);
      const { status, body } = await send('GET', `${commandUrl}/health`);
      expect({ status, is: body['status'] }).to.deep.equal({ status: 200, is: 'healthy' });
    },
    { withinMs: 10_000 },
  );

export const lagOf = async ({ queryUrl }: ServiceProcess): Promise<unknown> =>
  (await query(queryUrl, '{ serviceInfo { lagEvents } }'))['serviceInfo'];
