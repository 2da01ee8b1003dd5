import { Router, type Express, type RequestHandler } from 'express';
import { hasApiKey } from '../../platform/http/api-key.js';
import { createHttpApp, type HttpAppOptions } from '../../platform/http/http-app.js';
import { jsonBody } from '../../platform/http/json-body.js';
import type { Link } from '../../platform/http/html.js';
import type { ReadStore } from '../../ports/read-store.js';
import { createActiveReadModels } from './context.js';
import { createDocuments } from './documents.js';
import { createErrorMask } from './errors.js';
import { graphiql } from './graphiql.js';
import { graphqlHandler } from './graphql-handler.js';
import { DEFAULT_LIMITS, type DocumentLimits } from '../limits/limits.js';
import { createRevisionWaiter } from '../read-your-writes/revision-waiter.js';
import { createSchema, type ServiceInfo } from './schema.js';

export interface QueryApiOptions extends Omit<HttpAppOptions, 'routers' | 'title' | 'links'> {
  readonly readStore: Pick<ReadStore, 'active' | 'queries' | 'onSaved' | 'fingerprint'>;
  readonly serviceInfo: () => ServiceInfo | Promise<ServiceInfo>;
  readonly now: () => Date;
  /** Without GraphiQL. */
  readonly production: boolean;
  readonly limits?: Partial<DocumentLimits>;
  readonly bodyLimitBytes?: number;
  /** How long a query waits for its `minRevision`. */
  readonly revisionWaitMs?: number;
  /** Other parts of the service, as far as it is known where they are. */
  readonly elsewhere: () => readonly Link[];
}

/** The read side's HTTP server: GraphQL at /graphql, and everything that both APIs share. */
export const createQueryApi = (options: QueryApiOptions): Express =>
  createHttpApp({
    ...options,
    title: 'Query API',
    links: () => [options.production ? GRAPHQL : GRAPHIQL, ...options.elsewhere()],
    routers: [graphqlRouter(options)],
  });

const GRAPHQL: Link = { name: 'GraphQL', href: 'graphql', about: 'takes queries by POST' };
const GRAPHIQL: Link = { ...GRAPHQL, about: 'takes queries by POST; in a browser GraphiQL' };

const graphqlRouter = (options: QueryApiOptions): Router => {
  const { readStore, metrics, bodyLimitBytes = 32_768, revisionWaitMs = 2000 } = options;
  const waiter = createRevisionWaiter({ readStore, waitMs: revisionWaitMs });
  const schema = createSchema({ ...options, waiter });
  const documents = createDocuments({
    schema,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    onRefused: (limit) => metrics.graphqlRefused.inc({ limit }),
  });
  const answer = graphqlHandler({
    schema,
    documents,
    isReader: hasApiKey(options.readerKeys ?? []),
    mask: createErrorMask(options.logger),
    activeReadModels: createActiveReadModels({ readStore }),
    onAnswered: (name, outcome, seconds) => metrics.graphqlAnswered(name, outcome, seconds),
  });

  const router = Router({ caseSensitive: true });
  if (!options.production) {
    router.get('/graphql', forBrowsers, graphiql());
  }
  router.get('/graphql', answer);
  router.post('/graphql', jsonBody({ limitBytes: bodyLimitBytes }), answer);
  return router;
};

/** A browser that opens the address asks for a page first; GraphQL clients never do. */
const forBrowsers: RequestHandler = (req, res, next) => {
  res.vary('Accept');
  const wanted = req.accepts([
    'application/json',
    'application/graphql-response+json',
    'text/html',
  ]);
  next(wanted === 'text/html' ? undefined : 'route');
};
