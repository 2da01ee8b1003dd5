import { Router, type Request } from 'express';
import { serveAsset } from './asset.js';
import type { Health, HealthReport, StreamTrouble } from '../observability/health.js';
import { escapeHtml, htmlPage, ICON, linkList, PAGE_POLICY, type Link } from './html.js';

export interface FrontPageOptions {
  readonly title: string;
  readonly role: string;
  /** Links beside the probes. Called each time, because parts of the process open one by one. */
  readonly links: () => readonly Link[];
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
  const { title, role, health } = options;
  const router = Router({ caseSensitive: true, strict: true });

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
