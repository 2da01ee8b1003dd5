import { useEffect, useRef } from 'preact/hooks';
import { type Settings, storedKey, storeKey, urlOf } from './data/base.js';
import { useReachable } from './data/connection.js';
import { errorOfStatus } from './data/errors.js';
import { request } from './data/graphql.js';
import type { Route } from './data/route.js';
import { usePolled } from './data/use-query.js';
import { Api } from './pages/api.js';
import { Catalogue } from './pages/catalogue.js';
import { Overview } from './pages/overview.js';
import { PipelinePage } from './pages/pipeline.js';
import { Projections } from './pages/projections.js';
import { Streams } from './pages/streams.js';
import { Title } from './pages/title.js';
import { Link, type Location, useLocation } from './parts/navigation.js';
import { Empty } from './parts/panel.js';
import { ThemeSwitch } from './parts/theme.js';

const PAGES = [
  { page: 'overview', path: '', name: 'Overview' },
  { page: 'catalogue', path: 'catalogue', name: 'Catalogue' },
  { page: 'streams', path: 'streams', name: 'Streams' },
  { page: 'pipeline', path: 'pipeline', name: 'Pipeline' },
  { page: 'projections', path: 'projections', name: 'Projections' },
  { page: 'api', path: 'api', name: 'API' },
] as const;

const loadSettings = async (signal: AbortSignal): Promise<Settings> => {
  const response = await request(urlOf('dashboard.json'), { signal });
  if (!response.ok) throw errorOfStatus(response.status, undefined);
  return (await response.json()) as Settings;
};

export const App = () => {
  const location = useLocation();
  const { data: settings } = usePolled(loadSettings, 'settings', { everyMs: 60_000 });
  const main = useRef<HTMLElement>(null);
  const page = location.route.page;
  const place = JSON.stringify(location.route);
  const shown = useRef(place);

  useEffect(() => {
    const name = PAGES.find((each) => each.page === page)?.name;
    if (name !== undefined) document.title = `${name} · Anime Analytics`;
    if (shown.current === place) return;
    // As after loading a page: from the top, for a screen reader too.
    shown.current = place;
    scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [place]);

  return (
    <>
      <a class="skip" href={`${window.location.pathname}${window.location.search}#main`}>
        Skip to the content
      </a>
      <header class="top">
        <Link to="" class="brand">
          Anime Analytics
        </Link>
        <nav aria-label="Pages">
          {PAGES.map((each) => (
            <Link
              key={each.page}
              to={each.path}
              aria-current={isWithin(each.page, location.route) ? 'page' : undefined}
            >
              {each.name}
            </Link>
          ))}
        </nav>
        <ThemeSwitch />
      </header>
      <Away />
      <main id="main" ref={main} tabIndex={-1}>
        <PageOf location={location} settings={settings} />
      </main>
      <footer>
        {settings !== undefined && `Version ${settings.version}, role ${settings.role}. `}
        {storedKey() !== '' && (
          <button type="button" class="plain" onClick={() => storeKey('')}>
            Forget the API key
          </button>
        )}
      </footer>
    </>
  );
};

const isWithin = (page: string, route: Route): boolean =>
  route.page === page || (route.page === 'title' && page === 'catalogue');

/** Says so once for the whole page when the service is away. */
const Away = () => (
  <div role="status" class="away">
    {!useReachable() &&
      'The service cannot be reached. This page reconnects by itself; what it shows may be old.'}
  </div>
);

const PageOf = ({
  location: { route, search },
  settings,
}: {
  readonly location: Location;
  readonly settings: Settings | undefined;
}) => {
  switch (route.page) {
    case 'overview':
      return <Overview />;
    case 'catalogue':
      return <Catalogue search={search} />;
    case 'title':
      return <Title key={route.animeId} animeId={route.animeId} settings={settings} />;
    case 'streams':
      return (
        <Streams key={route.stream} stream={route.stream} search={search} settings={settings} />
      );
    case 'pipeline':
      return <PipelinePage />;
    case 'projections':
      return <Projections search={search} />;
    case 'api':
      return <Api settings={settings} />;
    case 'missing':
      return (
        <>
          <h1>Nothing here</h1>
          <Empty>
            This page does not exist. The <Link to="">overview</Link> does.
          </Empty>
        </>
      );
  }
};
