import type { Express } from 'express';
import type { EventStore } from '../ports/event-store.js';
import { createHttpApp, type HttpAppOptions } from '../platform/http-app.js';
import { docsRoutes } from './docs-routes.js';
import type { CommandHandler } from './handler.js';
import { commandRoutes } from './routes.js';
import { streamRoutes } from './stream-routes.js';

/** The command API: everything that `/openapi.json` describes. */
export const createCommandApi = (
  options: Omit<HttpAppOptions, 'routers'> & {
    readonly handler: CommandHandler;
    readonly store: EventStore;
    readonly apiKeys: readonly string[];
    readonly production: boolean;
    readonly version: string;
    readonly now: () => Date;
  },
): Express => {
  const { handler, store, apiKeys, production, version, now } = options;
  const routers = [
    commandRoutes({ handler, apiKeys, now }),
    streamRoutes({ store, apiKeys }),
    docsRoutes({ version, production }),
  ];
  return createHttpApp({ ...options, routers });
};
