import type { RequestListener } from 'node:http';
import type { Config } from '../platform/config/config.js';
import {
  escapeHtml,
  htmlPage,
  ICON,
  linkList,
  PAGE_POLICY,
  type Link,
} from '../platform/http/html.js';
import type { Addresses } from './banner.js';

export interface Seen {
  readonly config: Pick<Config, 'env' | 'host'>;
  readonly addresses: Readonly<Addresses>;
}

/** What a browser on another machine cannot follow, or need not see. */
const isHidden = ({ env, host }: Seen['config']): boolean =>
  env === 'production' || host === '0.0.0.0' || host === '::';

/** The other parts of this process that a browser can open, for a page of the part `self`. */
export const elsewhere =
  ({ config, addresses }: Seen, self: 'commands' | 'queries' | 'eventStorePage') =>
  (): readonly Link[] => {
    if (isHidden(config)) return [];
    const parts = [
      ['commands', 'Command API', 'takes clicks, views and ratings'],
      ['queries', 'Query API', 'answers statistics, over GraphQL'],
      ['eventStorePage', 'Event store', 'where clients of EventStoreDB connect'],
    ] as const;
    return parts.flatMap(([part, name, about]) => {
      const url = addresses[part];
      return url === undefined || part === self ? [] : [{ name, href: `${url}/`, about }];
    });
  };

const PAGE_HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': PAGE_POLICY,
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
};

/** What a browser gets at the port of the embedded event store, which is there for gRPC. */
export const eventStorePage = (seen: Seen): RequestListener => {
  const links = elsewhere(seen, 'eventStorePage');
  return ({ url = '/', method = '' }, res) => {
    const path = url.split('?', 1)[0];
    if (!['GET', 'HEAD'].includes(method)) {
      res.writeHead(405, { ...TEXT, Allow: 'GET, HEAD' }).end(`${SENTENCE}\n`);
    } else if (path === '/health/live') {
      // As EventStoreDB's own does.
      res.writeHead(204).end();
    } else if (path === '/favicon.ico') {
      res.writeHead(200, { 'Content-Type': 'image/svg+xml' }).end(ICON);
    } else if (path === '/') {
      const { eventStore } = seen.addresses;
      res.writeHead(200, PAGE_HEADERS).end(htmlPage('Event store', text(eventStore, links())));
    } else {
      res.writeHead(404, TEXT).end(`${SENTENCE}\n`);
    }
  };
};

const TEXT = { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' };

const SENTENCE =
  'This port is the embedded event store of Anime Analytics. It speaks gRPC, to clients of EventStoreDB and KurrentDB.';

const text = (connection: string | null | undefined, links: readonly Link[]): string => `
<h1>Event store</h1>
<p>${SENTENCE}</p>
${connection ? `<p>Connection string: <code>${escapeHtml(connection)}</code></p>` : ''}
<p>There are no pages here to browse streams. The command API shows the events of one anime at <code>/animes/&lt;id&gt;/events</code>.</p>
${links.length > 0 ? `<h2>Elsewhere</h2>\n${linkList(links)}` : ''}`;
