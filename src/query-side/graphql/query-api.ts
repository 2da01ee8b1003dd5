import { type Express, type RequestHandler, Router } from 'express';
import { hasApiKey } from '../../platform/http/api-key.js';
import { serveAsset } from '../../platform/http/asset.js';
import { ICON, type Link } from '../../platform/http/html.js';
import { createHttpApp, type HttpAppOptions } from '../../platform/http/http-app.js';
import { jsonBody } from '../../platform/http/json-body.js';
import { pageSecurityHeaders } from '../../platform/http/security-headers.js';
import type { ReadStore } from '../../ports/read-store.js';
import type { DocumentUsers } from '../../ports/user-protection.js';
import type { Dashboard } from '../dashboard/dashboard.js';
import { DEFAULT_DOCUMENT_LIMITS, type DocumentLimits } from '../limits/guards.js';
import { createRevisionWaiter } from '../read-your-writes/revision-waiter.js';
import { createActiveReadModels } from './context.js';
import { createDocuments } from './documents.js';
import { createErrorMask } from './errors.js';
import type { EventsAccess } from './event-queries.js';
import { graphqlHandler } from './graphql-handler.js';
import type { PipelineSource } from './pipeline.js';
import type { ProjectionQueries } from './projections.js';
import { createSchema, type ServiceInfo } from './schema.js';
import { streamHandler } from './stream-handler.js';
import { createSubscriptionResolvers } from './subscriptions.js';

const DEFAULT_QUERY = `{
  topAnimesByViews(limit: 10) {
    animeId
    totalViews
    totalClicks
    averageRating
  }
}
`;

/** On a narrow screen the response goes below the query. */
const GRAPHIQL_STYLE = `
  .graphiql-container .graphiql-logo span { color: hsl(var(--color-neutral)) }
  @media (max-width: 640px) {
    .graphiql-container #graphiql-session { flex-direction: column }
    .graphiql-container .graphiql-horizontal-drag-bar, .graphiql-container .graphiql-logo { display: none }
    .graphiql-container .graphiql-editors, .graphiql-container .graphiql-response { flex: 1 !important; min-height: 0 }
  }
`;

/** GraphiQL gives its tab list a role that assistive technology cannot use with buttons inside. */
const GRAPHIQL_SCRIPT = `
  new MutationObserver(() => {
    document.querySelector('ul.graphiql-tabs[role]')?.removeAttribute('role');
    for (const tab of document.querySelectorAll('li.graphiql-tab[role]')) tab.removeAttribute('role');
    for (const tab of document.querySelectorAll('li.graphiql-tab[aria-selected]')) {
      const button = tab.querySelector('.graphiql-tab-button');
      button?.setAttribute('aria-current', tab.getAttribute('aria-selected'));
      tab.removeAttribute('aria-selected');
    }
  }).observe(document, { subtree: true, childList: true, attributeFilter: ['aria-selected'] });
`;

const HEAD = `
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <script>${GRAPHIQL_SCRIPT}</script>`;

interface GraphiqlPage {
  readonly body: Buffer;
  readonly securityHeaders: RequestHandler;
}

/** Queries the URL that the page was loaded from, so that it works behind a proxy. */
const render = async (): Promise<GraphiqlPage> => {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const rendered = renderGraphiQL({
    title: 'Anime Analytics',
    favicon: `data:image/svg+xml,${encodeURIComponent(ICON)}`,
    defaultQuery: DEFAULT_QUERY,
  });
  const script = /<script>(.*?)<\/script>/s.exec(rendered)?.[1] ?? '';
  const html = rendered
    .trimStart()
    .replace('<meta charset="utf-8" />', (meta) => meta + HEAD)
    .replace('</style>', (end) => GRAPHIQL_STYLE + end);
  return {
    body: Buffer.from(html),
    securityHeaders: pageSecurityHeaders([GRAPHIQL_SCRIPT, script]),
  };
};

/**
 * GraphiQL as one self-contained page. With scripts, styles and fonts it is 9 MB, so it is
 * rendered and compressed on the first request.
 */
const graphiql = (): RequestHandler[] => {
  let rendering: Promise<GraphiqlPage> | undefined;
  const page = (): Promise<GraphiqlPage> =>
    (rendering ??= render().catch((error: unknown) => {
      rendering = undefined;
      throw error;
    }));
  return [
    async (req, res, next) => {
      (await page()).securityHeaders(req, res, next);
    },
    serveAsset({ type: 'text/html; charset=utf-8', load: async () => (await page()).body }),
  ];
};

export interface QueryApiOptions extends Omit<
  HttpAppOptions,
  'routers' | 'title' | 'links' | 'page'
> {
  readonly readStore: Pick<
    ReadStore,
    'active' | 'queries' | 'documents' | 'onSaved' | 'onChanged' | 'fingerprint'
  >;
  readonly serviceInfo: () => ServiceInfo | Promise<ServiceInfo>;
  readonly pipeline: PipelineSource;
  /** Under which user ids the documents of a person are. Default: the given one. */
  readonly usersOf?: DocumentUsers;
  readonly projections: ProjectionQueries['projections'];
  readonly now: () => Date;
  readonly events: EventsAccess;
  /** Without GraphiQL. */
  readonly production: boolean;
  readonly limits?: Partial<DocumentLimits>;
  readonly bodyLimitBytes?: number;
  /** How long a query waits for its `minRevision`, in milliseconds. */
  readonly revisionWaitMs?: number;
  /** Further subscriptions are refused. */
  readonly maxSubscriptions?: number;
  /** Ends all subscriptions at once, and refuses new ones. */
  readonly closing?: AbortSignal;
  /** Links to the other parts of the service whose addresses are known. */
  readonly elsewhere: () => readonly Link[];
  /** The page for browsers; null where it was not built. */
  readonly dashboard?: Dashboard | null;
}

/** The query API: GraphQL at /graphql, and the routes that both APIs share. */
export const createQueryApi = (options: QueryApiOptions): Express =>
  createHttpApp({
    ...options,
    title: 'Query API',
    links: () => [options.production ? GRAPHQL : GRAPHIQL, ...options.elsewhere()],
    routers: [graphqlRouter(options), ...(options.dashboard ? [options.dashboard.routes] : [])],
    page: options.dashboard?.page,
  });

const GRAPHQL: Link = { name: 'GraphQL', href: 'graphql', about: 'accepts queries by POST' };
const GRAPHIQL: Link = {
  ...GRAPHQL,
  about: 'accepts queries by POST; opens GraphiQL in a browser',
};

const NEVER = new AbortController().signal;

const graphqlRouter = (options: QueryApiOptions): Router => {
  const { readStore, metrics, bodyLimitBytes = 32_768, revisionWaitMs = 2000 } = options;
  const waiter = createRevisionWaiter({ readStore, waitMs: revisionWaitMs });
  const activeReadModels = createActiveReadModels({ readStore });
  const { maxSubscriptions = 200, closing = NEVER } = options;
  const subscriptions = createSubscriptionResolvers({ ...options, activeReadModels });
  const schema = createSchema({ ...options, waiter, subscriptions });
  const documents = createDocuments({
    schema,
    limits: { ...DEFAULT_DOCUMENT_LIMITS, ...options.limits },
    onRefused: (limit) => metrics.graphqlRefused.inc({ limit }),
  });
  const shared = {
    schema,
    documents,
    isReader: hasApiKey(options.readerKeys ?? []),
    mask: createErrorMask(options.logger),
    activeReadModels,
  };
  const handle = graphqlHandler({
    ...shared,
    onAnswered: (name, outcome, seconds) => metrics.graphqlAnswered(name, outcome, seconds),
  });
  const stream = streamHandler({ ...shared, metrics, maxSubscriptions, closing });

  const router = Router({ caseSensitive: true });
  if (!options.production) {
    router.get('/graphql', graphiqlOnly, graphiql());
  }
  router.get('/graphql', handle);
  router.post('/graphql', jsonBody({ limitBytes: bodyLimitBytes }), handle);
  router.get('/graphql/stream', stream);
  router.post('/graphql/stream', jsonBody({ limitBytes: bodyLimitBytes }), stream);
  return router;
};

/** Browsers prefer HTML; GraphQL clients never do. */
const graphiqlOnly: RequestHandler = (req, res, next) => {
  res.vary('Accept');
  const wanted = req.accepts([
    'application/json',
    'application/graphql-response+json',
    'text/html',
  ]);
  next(wanted === 'text/html' ? undefined : 'route');
};
