import type { Express } from 'express';
import type { EventStore } from '../../ports/event-store.js';
import { createHttpApp, type HttpAppOptions } from '../../platform/http/http-app.js';
import type { Link } from '../../platform/http/html.js';
import { docsRoutes } from './docs-routes.js';
import type { CommandHandler } from '../handling/handler.js';
import { commandRoutes } from './routes.js';
import { streamRoutes } from './stream-routes.js';

/** The command API: everything that `/openapi.json` describes. */
export const createCommandApi = (
  options: Omit<HttpAppOptions, 'routers' | 'title' | 'links'> & {
    readonly handler: CommandHandler;
    readonly store: EventStore;
    readonly apiKeys: readonly string[];
    readonly production: boolean;
    readonly version: string;
    readonly now: () => Date;
    /** Other parts of the service, as far as it is known where they are. */
    readonly elsewhere: () => readonly Link[];
  },
): Express => {
  const { handler, store, apiKeys, readerKeys = apiKeys, production, version, now } = options;
  const routers = [
    commandRoutes({ handler, apiKeys, readerKeys, now }),
    streamRoutes({ store, apiKeys: readerKeys }),
    docsRoutes({ version, production }),
  ];
  const links = () => [...(production ? [] : [DOCS]), OPENAPI, ...options.elsewhere()];
  return createHttpApp({ ...options, title: 'Command API', links, routers });
};

const DOCS: Link = { name: 'Docs', href: 'docs/', about: 'every command, to read and to try' };
const OPENAPI: Link = { name: 'OpenAPI', href: 'openapi.json', about: 'the same for programs' };
