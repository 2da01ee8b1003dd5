import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Router, type RequestHandler } from 'express';
import { serveAsset } from '../../platform/http/asset.js';

/** What the page is told about the process that serves it: `/dashboard.json`. */
export interface DashboardSettings {
  readonly version: string;
  readonly role: string;
  /** Where the page links and, if `demo`, sends commands; null where it is not known. */
  readonly commands: string | null;
  /** Whether the page offers commands of a demonstration user. */
  readonly demo: boolean;
  /** The event store's own pages; null where none are configured. */
  readonly eventStoreUi: string | null;
  /** Whether events, dead letters and user data need an API key. */
  readonly keys: boolean;
  readonly graphiql: boolean;
}

export interface Dashboard {
  /** The page, for `/`. */
  readonly page: RequestHandler;
  /** The page at its other addresses, its files and its settings. */
  readonly routes: Router;
}

/** The addresses of the page, by how many folders deep they are: `base` leads back to the root. */
const PAGES: readonly { readonly base: string; readonly paths: readonly string[] }[] = [
  {
    base: './',
    paths: ['/overview', '/catalogue', '/streams', '/pipeline', '/projections', '/api'],
  },
  { base: '../', paths: ['/anime/:id', '/streams/:name'] },
];

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

/** The name of each file contains a hash of what is in it. */
const FOR_EVER = 'public, max-age=31536000, immutable';

/**
 * The dashboard that `npm run build` has bundled into a directory, from memory. Null where there is
 * none, as after compiling alone. `settings` is called for each request: parts open one by one.
 */
export const createDashboard = (
  directory: string,
  settings: () => DashboardSettings,
): Dashboard | null => {
  const index = join(directory, 'index.html');
  if (!existsSync(index)) return null;
  const html = readFileSync(index, 'utf8');
  const routes = Router({ caseSensitive: true, strict: true });
  for (const { base, paths } of PAGES) {
    routes.get([...paths], pageAt(html, base, settings));
  }
  for (const name of readdirSync(join(directory, 'assets'))) {
    const body = readFileSync(join(directory, 'assets', name));
    const type = TYPES[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
    routes.get(
      `/assets/${name}`,
      serveAsset({ type, load: () => body, cacheControl: FOR_EVER, brotliQuality: 11 }),
    );
  }
  routes.get('/dashboard.json', (_req, res) => {
    res.setHeader('Cache-Control', 'no-store');
    res.json(settings());
  });
  const page = pageAt(html, './', settings);
  return { page, routes };
};

/** The page with all its addresses relative to `base`, so that it works behind a prefix. */
const pageAt = (html: string, base: string, settings: () => DashboardSettings): RequestHandler => {
  const body = Buffer.from(html.replace('<base href="./" />', `<base href="${base}" />`));
  const serve = serveAsset({ type: 'text/html; charset=utf-8', load: () => body });
  return (req, res, next) => {
    res.setHeader('Content-Security-Policy', policy(settings()));
    return serve(req, res, next);
  };
};

/** Files and data of this origin, and the command API. Pictures of other hosts are not loaded. */
const policy = ({ demo, commands }: DashboardSettings): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src 'self'${demo && commands !== null ? ` ${new URL(commands).origin}` : ''}`,
    "base-uri 'self'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join(';');
