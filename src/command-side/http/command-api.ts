import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type Express, Router } from 'express';
import { serveAsset } from '../../platform/http/asset.js';
import type { Link } from '../../platform/http/html.js';
import { createHttpApp, type HttpAppOptions } from '../../platform/http/http-app.js';
import { pageSecurityHeaders } from '../../platform/http/security-headers.js';
import type { EventStore } from '../../ports/event-store.js';
import type { EraseUser } from '../../ports/user-protection.js';
import type { CommandHandler } from '../handling/handler.js';
import { openApi } from './openapi.js';
import { commandRoutes } from './routes.js';
import { streamRoutes } from './stream-routes.js';
import { userRoutes } from './user-routes.js';

/** Resolved, not imported: importing would load the page's whole script into this process. */
const SWAGGER_UI = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

/** All URLs are relative, so that the page works behind a proxy that strips a prefix. */
const DOCS_PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Anime Analytics: command API</title>
    <link rel="icon" type="image/svg+xml" href="../favicon.ico">
    <link rel="stylesheet" href="swagger-ui.css">
    <link rel="stylesheet" href="page.css">
    <script src="swagger-ui-bundle.js" defer></script>
    <script src="page.js" defer></script>
  </head>
  <body>
    <div id="swagger-ui"></div>
    <noscript>This page needs JavaScript. It shows <a href="../openapi.json">openapi.json</a>.</noscript>
  </body>
</html>
`;

/** Many of Swagger UI's colours lack the contrast that accessibility rules ask for. */
const DOCS_STYLE = `body { margin: 0 }
html { color-scheme: light }
html.dark-mode { background: #1c2022; color-scheme: dark }
.swagger-ui { --link: #1a5fb4; --post: #13714a; --put: #8f5000; --delete: #c01c28; --get: #1a5fb4; --faint: #55585f }
html.dark-mode .swagger-ui { --link: #7ab8ff; --delete: #ff8a8a; --faint: #b7bcbf }
.swagger-ui .info a, .swagger-ui .info .url { color: var(--link) }
.swagger-ui .parameter__in, .swagger-ui .json-schema-2020-12-expand-deep-button { color: var(--faint) }
.swagger-ui .btn.cancel { color: var(--delete) !important; border-color: var(--delete) !important }
.swagger-ui table.headers td { color: inherit }
.swagger-ui .examples-select__section-label { color: var(--faint) !important }
.swagger-ui .highlight-code .microlight span[style*="211, 99, 99"] { color: #ffb3b3 !important }
html:not(.dark-mode) .swagger-ui .info .title small pre { background: #41444e }
html:not(.dark-mode) .swagger-ui .info .title small.version-stamp pre { background: #3a6200 }
html:not(.dark-mode) .swagger-ui .btn.authorize { color: var(--post); border-color: var(--post) }
html:not(.dark-mode) .swagger-ui .btn.authorize svg { fill: var(--post) }
html:not(.dark-mode) .swagger-ui .btn.execute { background: var(--get); border-color: var(--get) }
html:not(.dark-mode) .swagger-ui .download-contents { background: #55585f }
html:not(.dark-mode) .swagger-ui .opblock-post .opblock-summary-method { background: var(--post) !important }
html:not(.dark-mode) .swagger-ui .opblock-put .opblock-summary-method { background: var(--put) !important }
html:not(.dark-mode) .swagger-ui .opblock-delete .opblock-summary-method { background: var(--delete) !important }
html:not(.dark-mode) .swagger-ui .opblock-get .opblock-summary-method { background: var(--get) !important }
`;

/**
 * Server URLs are relative to the document, not to this page. Swagger UI has a dark mode but does not
 * switch to it. The rest repairs its accessibility: links inside buttons, fields without a label,
 * and code that the keyboard cannot scroll.
 */
const DOCS_SCRIPT = `const openApi = new URL('../openapi.json', document.baseURI);

const ours = ({ React }) => ({
  components: {
    DeepLink: ({ text }) => React.createElement('span', null, text),
  },
  statePlugins: {
    spec: {
      wrapActions: {
        updateJsonSpec: (update) => (spec) => {
          const servers = (spec.servers ?? [{ url: '.' }]).map((server) => ({
            ...server,
            url: new URL(server.url, openApi).href.replace(/\\/$/, ''),
          }));
          return update({ ...spec, servers });
        },
      },
    },
  },
});

const dark = matchMedia('(prefers-color-scheme: dark)');
const colour = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
dark.addEventListener('change', colour);
colour();

const NAMES = {
  '#servers': 'Server',
  'textarea.body-param__text': 'Request body',
  'select.examples-select-element': 'Example',
};

new MutationObserver(() => {
  for (const [selector, name] of Object.entries(NAMES)) {
    document.querySelectorAll(selector).forEach((each) => each.setAttribute('aria-label', name));
  }
  document.querySelectorAll('pre.microlight').forEach((each) => each.setAttribute('tabindex', '0'));
}).observe(document.getElementById('swagger-ui'), { childList: true, subtree: true });

window.ui = SwaggerUIBundle({
  url: openApi.href,
  dom_id: '#swagger-ui',
  deepLinking: true,
  presets: [SwaggerUIBundle.presets.apis],
  plugins: [ours],
});
`;

const HTML = 'text/html; charset=utf-8';
const JAVASCRIPT = 'text/javascript; charset=utf-8';
const CSS = 'text/css; charset=utf-8';

const textAsset = (type: string, content: string) =>
  serveAsset({ type, load: () => Buffer.from(content) });

const swaggerFile = (type: string, name: string) =>
  serveAsset({ type, load: () => readFile(join(SWAGGER_UI, name)) });

/** `/openapi.json`, and outside production its rendering at `/docs/`, which loads nothing from other hosts. */
export const docsRoutes = (options: {
  readonly version: string;
  readonly production: boolean;
}): Router => {
  const router = Router({ caseSensitive: true, strict: true });
  const document = JSON.stringify(openApi(options.version));

  router.get('/openapi.json', textAsset('application/json; charset=utf-8', document));

  if (!options.production) {
    // Relative, because a proxy may have stripped a prefix.
    router.get('/docs', (_req, res) => {
      res.writeHead(308, { Location: 'docs/' }).end();
    });
    router.get('/docs/', pageSecurityHeaders(), textAsset(HTML, DOCS_PAGE));
    router.get('/docs/page.css', textAsset(CSS, DOCS_STYLE));
    router.get('/docs/page.js', textAsset(JAVASCRIPT, DOCS_SCRIPT));
    router.get('/docs/swagger-ui.css', swaggerFile(CSS, 'swagger-ui.css'));
    router.get('/docs/swagger-ui-bundle.js', swaggerFile(JAVASCRIPT, 'swagger-ui-bundle.js'));
  }
  return router;
};

/** The command API: everything that `/openapi.json` describes. */
export const createCommandApi = (
  options: Omit<HttpAppOptions, 'routers' | 'title' | 'links'> & {
    readonly handler: CommandHandler;
    readonly store: EventStore;
    /** Null or absent where user ids are not protected. */
    readonly eraseUser?: EraseUser | null;
    readonly apiKeys: readonly string[];
    readonly production: boolean;
    readonly version: string;
    readonly now: () => Date;
    /** Links to the other parts of the service whose addresses are known. */
    readonly elsewhere: () => readonly Link[];
  },
): Express => {
  const {
    handler,
    store,
    eraseUser = null,
    apiKeys,
    readerKeys = apiKeys,
    production,
    version,
    now,
    logger,
  } = options;
  const routers = [
    commandRoutes({ handler, apiKeys, readerKeys, now, logger }),
    streamRoutes({ store, apiKeys: readerKeys }),
    userRoutes({ eraseUser, apiKeys, readerKeys }),
    docsRoutes({ version, production }),
  ];
  const links = () => [...(production ? [] : [DOCS]), OPENAPI, ...options.elsewhere()];
  return createHttpApp({ ...options, title: 'Command API', links, routers });
};

const DOCS: Link = {
  name: 'Docs',
  href: 'docs/',
  about: 'API reference, with a form for each command',
};
const OPENAPI: Link = {
  name: 'OpenAPI',
  href: 'openapi.json',
  about: 'the API as a machine-readable document',
};
