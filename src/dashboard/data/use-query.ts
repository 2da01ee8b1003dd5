import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { onReachable } from './connection.js';
import { QueryError, type Trouble } from './errors.js';
import { ask, type Variables } from './graphql.js';

export interface Asked<T> {
  /** The newest data; kept while later requests fail. */
  readonly data: T | undefined;
  readonly error: QueryError | undefined;
  /** Asks again now. */
  readonly reload: () => void;
}

export interface AskOptions {
  /** Asks again this long after each answer, while the tab is visible. */
  readonly everyMs?: number;
  readonly enabled?: boolean;
}

const RETRY_MS = 2000;
/** Asking again changes nothing of these. */
const LASTING: readonly Trouble[] = ['absent', 'key', 'refused'];

/** The answer to a query. Asks again by itself when the service is back, or a key was entered. */
export const useQuery = <T>(
  query: string,
  variables: Variables = {},
  options: AskOptions = {},
): Asked<T> => {
  const text = JSON.stringify(variables);
  return usePolled(
    (signal) => ask<T>(query, JSON.parse(text) as Variables, signal),
    `${query}${text}`,
    options,
  );
};

/** Polls; `key` says what is asked, so that an answer to something else is not shown. */
export const usePolled = <T>(
  load: (signal: AbortSignal) => Promise<T>,
  key: string,
  { everyMs, enabled = true }: AskOptions = {},
): Asked<T> => {
  const [state, setState] = useState<{ key: string; data?: T; error?: QueryError }>({ key });
  const loading = useRef(load);
  loading.current = load;
  const again = useRef<() => void>(() => undefined);

  useEffect(() => {
    if (!enabled) return;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let running = false;
    let missed = false;
    let known = '';

    const later = (ms: number | undefined): void => {
      clearTimeout(timer);
      if (ms !== undefined && !stop.signal.aborted) timer = setTimeout(() => void run(), ms);
    };
    const run = async (): Promise<void> => {
      if (running) {
        missed = true;
        return;
      }
      if (document.visibilityState === 'hidden') return;
      running = true;
      let next = everyMs;
      try {
        const data = await loading.current(stop.signal);
        const text = JSON.stringify(data);
        // The same answer again is no reason to draw again.
        if (text !== known) setState({ key, data });
        known = text;
      } catch (error) {
        if (stop.signal.aborted) return;
        const seen = error instanceof QueryError ? error : new QueryError('failed', String(error));
        known = '';
        setState((before) => ({ ...(before.key === key ? before : {}), key, error: seen }));
        next = LASTING.includes(seen.trouble) ? undefined : RETRY_MS;
      } finally {
        running = false;
      }
      later(missed ? 0 : next);
      missed = false;
    };
    const now = (): void => later(0);

    again.current = now;
    const forget = onReachable((reachable) => reachable && now());
    addEventListener('keychange', now);
    document.addEventListener('visibilitychange', now);
    void run();
    return () => {
      stop.abort();
      clearTimeout(timer);
      forget();
      removeEventListener('keychange', now);
      document.removeEventListener('visibilitychange', now);
    };
  }, [key, everyMs, enabled]);

  const reload = useCallback(() => again.current(), []);
  const current = state.key === key ? state : undefined;
  return { data: current?.data, error: current?.error, reload };
};
