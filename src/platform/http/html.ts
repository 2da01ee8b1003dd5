import { type Request, type RequestHandler, Router } from 'express';
import type { Health, HealthReport, StreamTrouble } from '../observability/health.js';
import { serveAsset } from './asset.js';
import { hashSource } from './security-headers.js';

export interface Link {
  readonly name: string;
  /** Absolute, or relative to the page so that it works behind a prefix. */
  readonly href: string;
  readonly about: string;
}

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

export const linkList = (links: readonly Link[]): string =>
  `<dl>${links
    .map(
      ({ name, href, about }) =>
        `<dt><a href="${escapeHtml(href)}">${escapeHtml(name)}</a></dt><dd>${escapeHtml(about)}</dd>`,
    )
    .join('')}</dl>`;

const STYLE = `
:root { color-scheme: light dark; --text: #1c2022; --faint: #55585f; --back: #fbfaf7; --line: #d9d6ce; --link: #1a5fb4; --good: #13714a; --bad: #a51d2d }
@media (prefers-color-scheme: dark) { :root { --text: #e8e6e3; --faint: #b0b3b8; --back: #16181c; --line: #383c44; --link: #8ab8ff; --good: #6fd8a3; --bad: #ff9a9a } }
body { margin: 0 auto; max-width: 40rem; padding: 2rem 1.25rem; background: var(--back); color: var(--text); font: 1rem/1.6 system-ui, sans-serif; overflow-wrap: anywhere }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .5rem } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
a { color: var(--link) } code { font-size: .95em } p { margin: .5rem 0 }
.good, .bad { border-left: .3rem solid; padding: .25rem 0 .25rem .75rem; font-weight: 600 } .good { color: var(--good) } .bad { color: var(--bad) }
ul { margin: .5rem 0; padding-left: 1.25rem; color: var(--faint) }
dl { display: grid; grid-template-columns: max-content 1fr; margin: 0; border-top: 1px solid var(--line) }
dt, dd { margin: 0; padding: .5rem 1rem .5rem 0; border-bottom: 1px solid var(--line) } dd { color: var(--faint) }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr } dt { border-bottom: 0; padding-bottom: 0 } dd { padding-top: 0 } }
`;

export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><title>Anime Analytics</title><rect width="32" height="32" rx="7" fill="#2b2350"/><path d="M8 24V15M16 24V8M24 24V12" stroke="#ffb454" stroke-width="4" stroke-linecap="round"/></svg>`;

/** A page without scripts and without files other than the icon. */
export const htmlPage = (title: string, body: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<link rel="icon" type="image/svg+xml" href="favicon.ico">
<style>${STYLE}</style>
</head>
<body><main>${body}
</main></body>
</html>
`;

/** Allows only the page's own style and icon. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src ${hashSource(STYLE)}`,
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join(';');

export interface FrontPageOptions {
  readonly title: string;
  readonly role: string;
  /** Links beside the probes. Called each time, because parts of the process open one by one. */
  readonly links: () => readonly Link[];
  /** What browsers get instead of the plain page. */
  readonly page?: RequestHandler | undefined;
}

const PROBE_LINKS: readonly Link[] = [
  { name: 'Health', href: 'health', about: 'the health of every dependency' },
  { name: 'Ready', href: 'ready', about: 'readiness, for load balancers' },
  { name: 'Live', href: 'live', about: 'liveness, for supervisors' },
  { name: 'Metrics', href: 'metrics', about: 'for Prometheus' },
];

/** `/`: a page for browsers, JSON for all other clients; and its icon. */
export const frontPageRoutes = (
  options: FrontPageOptions & { readonly health: Health },
): Router => {
  const { title, role, health, page } = options;
  const router = Router({ caseSensitive: true, strict: true });

  if (page !== undefined) router.get('/', pagesOnly, page);

  router.get('/', async (req, res) => {
    const report = await health.report();
    const links = [...options.links(), ...PROBE_LINKS];
    const state = { ...stateOf(report, health.isServing()), title, role, links };
    res.vary('Accept');
    res.setHeader('Cache-Control', 'no-store');
    if (!wantsPage(req)) {
      res.json(asData(state));
      return;
    }
    res.setHeader('Content-Security-Policy', PAGE_POLICY);
    res.type('html').send(htmlPage(title, frontPage(state)));
  });

  router.get(
    '/favicon.ico',
    serveAsset({
      type: 'image/svg+xml',
      load: () => Buffer.from(ICON),
      cacheControl: 'public, max-age=86400',
    }),
  );
  return router;
};

const pagesOnly: RequestHandler = (req, res, next) => {
  res.vary('Accept');
  next(wantsPage(req) ? undefined : 'route');
};

/** Clients without a preference, such as curl, get JSON. */
const wantsPage = (req: Request): boolean =>
  req.accepts(['application/json', 'text/html']) === 'text/html';

interface State {
  readonly title: string;
  readonly role: string;
  readonly links: readonly Link[];
  readonly report: HealthReport;
  readonly healthy: boolean;
  /** One sentence for a person. */
  readonly sentence: string;
}

const stateOf = (
  report: HealthReport,
  serving: boolean,
): Pick<State, 'report' | 'healthy' | 'sentence'> => {
  const unhealthy = Object.entries(report.dependencies)
    .filter(([, status]) => status === 'unhealthy')
    .map(([name]) => name);
  const healthy = report.status === 'healthy' && serving;
  if (unhealthy.length > 0) {
    return { report, healthy, sentence: `Unhealthy: ${unhealthy.join(', ')}. The log says why.` };
  }
  if (report.status === 'degraded') {
    const sentence =
      'Degraded: it serves requests, but an operator must look at the problems below.';
    return { report, healthy, sentence };
  }
  const sentence = serving ? 'Healthy: it serves requests.' : 'Healthy, but starting or stopping.';
  return { report, healthy, sentence };
};

const asData = ({ title, role, links, report, sentence }: State) => ({
  title,
  service: report.service,
  version: report.version,
  role,
  status: report.status,
  detail: sentence,
  dependencies: report.dependencies,
  ...(report.problems === undefined ? {} : { problems: report.problems }),
  links: Object.fromEntries(
    links.map(({ name, href }) => [name.toLowerCase().replaceAll(' ', '-'), href]),
  ),
});

const frontPage = ({ title, role, links, report, healthy, sentence }: State): string => `
<h1>${escapeHtml(title)}</h1>
<p>Anime Analytics ${escapeHtml(report.version)}, role <strong>${escapeHtml(role)}</strong></p>
<p class="${healthy ? 'good' : 'bad'}" role="status">${escapeHtml(sentence)}</p>
<ul>${Object.entries(report.dependencies)
  .map(([name, status]) => `<li>${escapeHtml(name)}: ${status}</li>`)
  .join('')}${troublesOf(report)
  .map(({ stream, detail, remedy }) => `<li>${escapeHtml(`${stream}: ${detail} ${remedy}`)}</li>`)
  .join('')}</ul>
<h2>Links</h2>
${linkList(links)}`;

const troublesOf = ({ problems = {} }: HealthReport): readonly StreamTrouble[] =>
  Object.values(problems).flatMap(({ streams }) => streams);
