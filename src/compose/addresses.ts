import type { RequestListener } from 'node:http';
import { resolve } from 'node:path';
import type { Config } from '../platform/config/config.js';
import {
  escapeHtml,
  htmlPage,
  ICON,
  type Link,
  linkList,
  PAGE_POLICY,
} from '../platform/http/html.js';
import { VERSION } from '../platform/package.js';
import type { Server } from './servers.js';

/** The addresses of this process, filled in as its parts open. Parts of other processes are missing. */
export interface Addresses {
  commands?: string;
  queries?: string;
  /** Health and metrics of a part that serves nothing else. */
  probes?: string;
  /** Without credentials; null where no port is open. */
  eventStore?: string | null;
  /** The page of the embedded event store. */
  eventStorePage?: string;
}

const EMBEDDED_ONLY = 'in this process only (EVENTSTORE_PORT=0)';

/** Printed once the service is ready: its addresses and examples to paste. */
export const banner = (addresses: Readonly<Addresses>, role: string, config: Config): string => {
  const { commands, queries, probes, eventStore } = addresses;
  const outsideProduction = (text: string): string =>
    config.env === 'production' ? '' : `   (${text})`;
  const places = [
    commands && `Command API   ${commands}${outsideProduction(`its page: ${commands}/docs`)}`,
    queries && `Dashboard     ${queries}/`,
    queries && `GraphQL       ${queries}/graphql${outsideProduction('in a browser: GraphiQL')}`,
    probes && `Health        ${probes}/health`,
    eventStore !== undefined && `Event store   ${eventStore ?? EMBEDDED_ONLY}`,
    queries && projectionsLine(queries, role, config),
    role === 'all' && `Data          ${resolve(config.dataDir)}`,
  ];
  const examples = [
    commands &&
      `curl -X POST ${commands}/click -H 'Content-Type: application/json' -d '{"anime_id": 1, "user_id": "user123"}'`,
    queries &&
      `curl ${queries}/graphql -H 'Content-Type: application/json' -d '{"query": "{ animeStats(animeId: 1) { totalClicks totalViews } }"}'`,
  ];
  const paragraphs = [places, examples].map(indented).filter((text) => text !== '');
  return `${bannerTitle(role)} is ready.\n\n${paragraphs.join('\n')}\nCtrl-C stops it.\n`;
};

/** Where the projections of this service are shown, or how they are turned on. */
const projectionsLine = (queries: string, role: string, config: Config): string | false => {
  if (role !== 'all' || (config.eventStore.url === '' && config.eventStore.port === 0))
    return false;
  return config.projections === 'on'
    ? `Projections   ${queries}/projections`
    : 'Projections   off; `anime-analytics projections deploy`, or PROJECTIONS=on at the start';
};

/** Printed at the start while a server does not answer. */
export const waitingBanner = (
  { commands, queries, probes }: Readonly<Addresses>,
  role: string,
  missing: readonly Pick<Server, 'name' | 'at'>[],
): string => {
  const named = missing.map(({ name, at }) => `${name} at ${at}`);
  const servers = new Intl.ListFormat('en-GB', { type: 'conjunction' }).format(named);
  const health = [commands ?? queries ?? probes].map((url) => url && `Health        ${url}/health`);
  return `${bannerTitle(role)} is waiting for ${servers}.\n\n${indented(health)}\nCtrl-C stops it.\n`;
};

const bannerTitle = (role: string): string =>
  `Anime Analytics ${VERSION}${role === 'all' ? '' : ` (${role})`}`;

const indented = (lines: readonly (string | false | undefined)[]): string =>
  lines.flatMap((line) => (line ? [`  ${line}\n`] : [])).join('');

interface PageContext {
  readonly config: Pick<Config, 'env' | 'host' | 'commandUrl'>;
  readonly addresses: Readonly<Addresses>;
}

/** Links to loopback ports help no browser on another machine. */
const isHidden = ({ env, host }: PageContext['config']): boolean =>
  env === 'production' || host === '0.0.0.0' || host === '::';

/** The address of a part as browsers reach it; undefined where it is not known. */
export const shownAddress = (
  { config, addresses }: PageContext,
  part: 'commands' | 'queries' | 'eventStorePage',
): string | undefined => {
  if (part === 'commands' && config.commandUrl !== '') return config.commandUrl;
  return isHidden(config) ? undefined : addresses[part];
};

/** Links to the other pages of this process, for the page of the part `self`. */
export const otherParts =
  (seen: PageContext, self: 'commands' | 'queries' | 'eventStorePage') => (): readonly Link[] => {
    const parts = [
      ['commands', 'Command API', 'takes clicks, views and ratings'],
      ['queries', 'Dashboard', 'statistics, streams and the pipeline, live; and GraphQL'],
      ['eventStorePage', 'Event store', 'where clients of EventStoreDB connect'],
    ] as const;
    return parts.flatMap(([part, name, about]) => {
      const url = shownAddress(seen, part);
      return url === undefined || part === self ? [] : [{ name, href: `${url}/`, about }];
    });
  };

const PAGE_HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': PAGE_POLICY,
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
};

/** The page on the gRPC port of the embedded event store, for browsers that open it. */
export const eventStorePage = (seen: PageContext): RequestListener => {
  const links = otherParts(seen, 'eventStorePage');
  return ({ url = '/', method = '' }, res) => {
    const path = url.split('?', 1)[0];
    if (!['GET', 'HEAD'].includes(method)) {
      res.writeHead(405, { ...TEXT_HEADERS, Allow: 'GET, HEAD' }).end(`${PORT_EXPLANATION}\n`);
    } else if (path === '/health/live') {
      // The same answer as EventStoreDB's.
      res.writeHead(204).end();
    } else if (path === '/favicon.ico') {
      res.writeHead(200, { 'Content-Type': 'image/svg+xml' }).end(ICON);
    } else if (path === '/') {
      const { eventStore } = seen.addresses;
      res.writeHead(200, PAGE_HEADERS).end(htmlPage('Event store', pageBody(eventStore, links())));
    } else {
      res.writeHead(404, TEXT_HEADERS).end(`${PORT_EXPLANATION}\n`);
    }
  };
};

const TEXT_HEADERS = {
  'Content-Type': 'text/plain; charset=utf-8',
  'X-Content-Type-Options': 'nosniff',
};

const PORT_EXPLANATION =
  'This port is the embedded event store of Anime Analytics. It speaks gRPC, to clients of EventStoreDB and KurrentDB.';

const pageBody = (connection: string | null | undefined, links: readonly Link[]): string => `
<h1>Event store</h1>
<p>${PORT_EXPLANATION}</p>
${connection ? `<p>Connection string: <code>${escapeHtml(connection)}</code></p>` : ''}
<p>There are no pages here to browse streams. The command API shows the events of one anime at <code>/animes/&lt;id&gt;/events</code>.</p>
${links.length > 0 ? `<h2>Elsewhere</h2>\n${linkList(links)}` : ''}`;
