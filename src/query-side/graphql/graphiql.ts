import type { RequestHandler } from 'express';
import { serveAsset } from '../../platform/http/asset.js';
import { ICON } from '../../platform/http/html.js';
import { pageSecurityHeaders } from '../../platform/http/security-headers.js';

const DEFAULT_QUERY = `{
  topAnimesByViews(limit: 10) {
    animeId
    totalViews
    totalClicks
    averageRating
  }
}
`;

/** On a narrow screen the answer goes below the query. */
const STYLE = `
  .graphiql-container .graphiql-logo span { color: hsl(var(--color-neutral)) }
  @media (max-width: 640px) {
    .graphiql-container #graphiql-session { flex-direction: column }
    .graphiql-container .graphiql-horizontal-drag-bar, .graphiql-container .graphiql-logo { display: none }
    .graphiql-container .graphiql-editors, .graphiql-container .graphiql-response { flex: 1 !important; min-height: 0 }
  }
`;

/** GraphiQL calls tabs what holds buttons; a list of buttons is what assistive technology can use. */
const SCRIPT = `
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
      <script>${SCRIPT}</script>`;

interface Page {
  readonly body: Buffer;
  readonly securityHeaders: RequestHandler;
}

/** It asks the address that it was itself loaded from, whatever a proxy in front calls that. */
const render = async (): Promise<Page> => {
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
    .replace('</style>', (end) => STYLE + end);
  return { body: Buffer.from(html), securityHeaders: pageSecurityHeaders([SCRIPT, script]) };
};

/**
 * GraphiQL as one page that needs nothing from anywhere else. It holds scripts, styles and fonts
 * itself, 9 MB, so it is rendered and compressed when somebody first asks for it.
 */
export const graphiql = (): RequestHandler[] => {
  let rendering: Promise<Page> | undefined;
  const page = (): Promise<Page> =>
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
