/** The addresses of the page. Each page and each state worth sharing has one. */
export type Route =
  | { readonly page: 'overview' | 'catalogue' | 'pipeline' | 'projections' | 'api' | 'missing' }
  | { readonly page: 'title'; readonly animeId: number }
  | { readonly page: 'streams'; readonly stream: string | null };

/** The page at a path that is relative to the root of the service. */
export const routeOf = (path: string): Route => {
  const [first = '', second, ...more] = path.replace(/^\/+|\/+$/g, '').split('/');
  if (more.length > 0) return { page: 'missing' };
  if (first === 'anime' && second !== undefined && /^[1-9]\d{0,9}$/.test(second)) {
    return { page: 'title', animeId: Number(second) };
  }
  if (first === 'streams') {
    return { page: 'streams', stream: second === undefined ? null : decoded(second) };
  }
  if (second !== undefined) return { page: 'missing' };
  switch (first) {
    case '':
    case 'overview':
      return { page: 'overview' };
    case 'catalogue':
    case 'pipeline':
    case 'projections':
    case 'api':
      return { page: first };
    default:
      return { page: 'missing' };
  }
};

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

export const titlePath = (animeId: number): string => `anime/${animeId}`;

export const streamPath = (stream: string, revision?: string): string =>
  `streams/${encodeURIComponent(stream)}${revision === undefined ? '' : `?revision=${revision}`}`;

/** The anime whose stream this is; null for any other stream. */
export const animeOf = (stream: string): number | null => {
  const [, id] = /^anime-([1-9]\d{0,9})$/.exec(stream) ?? [];
  return id === undefined ? null : Number(id);
};

/** A query string with some parameters changed; null removes one. */
export const withParameters = (
  search: string,
  changes: Readonly<Record<string, string | null>>,
): string => {
  const parameters = new URLSearchParams(search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') parameters.delete(name);
    else parameters.set(name, value);
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
};
