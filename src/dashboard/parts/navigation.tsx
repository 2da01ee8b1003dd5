import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { BASE, urlOf } from '../data/base.js';
import { type Route, routeOf } from '../data/route.js';

export interface Location {
  readonly route: Route;
  readonly search: string;
}

const here = (): Location => ({
  route: routeOf(location.pathname.slice(BASE.pathname.length)),
  search: location.search,
});

/** Goes to a path relative to the root; `replace` where Back should skip what is left. */
export const navigate = (path: string, { replace = false } = {}): void => {
  const url = urlOf(path);
  if (url === location.href) return;
  if (replace) history.replaceState(null, '', url);
  else history.pushState(null, '', url);
  dispatchEvent(new Event('navigate'));
};

/** Changes the query string of the page that is shown. */
export const searchTo = (search: string, options: { replace?: boolean } = {}): void =>
  navigate(`${location.pathname.slice(BASE.pathname.length)}${search}`, options);

export const useLocation = (): Location => {
  const [current, set] = useState(here);
  useEffect(() => {
    const changed = (): void => set(here());
    addEventListener('popstate', changed);
    addEventListener('navigate', changed);
    return () => {
      removeEventListener('popstate', changed);
      removeEventListener('navigate', changed);
    };
  }, []);
  return current;
};

interface LinkProps {
  readonly to: string;
  readonly class?: string;
  readonly 'aria-current'?: 'page' | undefined;
  readonly children: ComponentChildren;
}

/** A link to another page of the dashboard; a click with a modifier opens it as any other link. */
export const Link = ({ to, children, ...more }: LinkProps) => (
  <a
    {...more}
    href={urlOf(to)}
    onClick={(event) => {
      if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) {
        return;
      }
      event.preventDefault();
      navigate(to);
    }}
  >
    {children}
  </a>
);
