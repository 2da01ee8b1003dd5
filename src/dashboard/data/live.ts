import { useEffect, useRef, useState } from 'preact/hooks';
import { keyHeaders, urlOf } from './base.js';
import { errorOf, errorOfStatus, type GraphqlError } from './errors.js';
import { request, type Variables } from './graphql.js';
import { createSseReader } from './sse.js';

/** `open`: it delivers. `retrying`: it was lost, and is opened again. `absent`: poll instead. */
export type LiveState = 'opening' | 'open' | 'retrying' | 'absent';

export interface Subscription<T> {
  readonly document: string;
  /** Never set: it carries the type of what is delivered. */
  readonly data?: T;
}

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 5000;

/**
 * Follows a subscription while the tab is visible. A browser opens six connections to a server and a
 * subscription holds one, so a page follows one at most.
 */
export const useLive = <T>(
  { document: query }: Subscription<T>,
  variables: Variables,
  onNext: (data: T) => void,
): LiveState => {
  const [state, setState] = useState<LiveState>('opening');
  const next = useRef(onNext);
  next.current = onNext;
  const body = JSON.stringify({ query, variables });

  useEffect(() => {
    let stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let ended = false;
    let retryMs = FIRST_RETRY_MS;

    const run = async (): Promise<void> => {
      const { signal } = (stop = new AbortController());
      try {
        const outcome = await follow(
          body,
          signal,
          (data) => {
            retryMs = FIRST_RETRY_MS;
            setState('open');
            next.current(data as T);
          },
          () => setState('open'),
        );
        if (outcome === 'absent') {
          setState('absent');
          return;
        }
      } catch {
        // It is opened again below.
      }
      if (ended || signal.aborted) return;
      setState('retrying');
      timer = setTimeout(() => void run(), retryMs);
      retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
    };
    const restart = (): void => {
      stop.abort();
      clearTimeout(timer);
      if (document.visibilityState === 'visible') void run();
    };

    restart();
    document.addEventListener('visibilitychange', restart);
    addEventListener('keychange', restart);
    return () => {
      ended = true;
      stop.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', restart);
      removeEventListener('keychange', restart);
    };
  }, [body]);
  return state;
};

/** Resolves when the server ends the subscription; `absent` if there is none of that name. */
const follow = async (
  body: string,
  signal: AbortSignal,
  onNext: (data: unknown) => void,
  onOpen: () => void,
): Promise<'ended' | 'absent'> => {
  const response = await request(urlOf('graphql/stream'), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream', ...keyHeaders() },
    body,
    signal,
  });
  const isStream = response.headers.get('content-type')?.includes('text/event-stream') ?? false;
  if (!isStream || response.body === null) {
    await response.body?.cancel();
    const { trouble } = errorOfStatus(response.status, undefined);
    if (trouble === 'starting' || response.status === 429) throw new Error('Not ready');
    return 'absent';
  }
  onOpen();
  const seen = { absent: false };
  const read = createSseReader(({ event, data }) => {
    if (event !== 'next') return;
    const result = JSON.parse(data) as { data?: unknown; errors?: readonly GraphqlError[] };
    if (result.data !== null && result.data !== undefined) onNext(result.data);
    else if (result.errors !== undefined) seen.absent = errorOf(result.errors).trouble !== 'failed';
  });
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return seen.absent ? 'absent' : 'ended';
    read(decoder.decode(value, { stream: true }));
  }
};
