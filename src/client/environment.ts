/** The platform as the client uses it, in browsers and Node. */
export interface Environment {
  readonly fetch: typeof fetch;
  /** Wall clock, in milliseconds. */
  readonly now: () => number;
  readonly random: () => number;
  readonly newKey: () => string;
  /** Resolves after that time, or when the signal aborts. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Undefined outside of a page. */
  readonly page: Page | undefined;
}

/** A page, which the browser may discard at any time while it is hidden. */
export interface Page {
  readonly isHidden: () => boolean;
  /** Calls back when the page may have been hidden or shown. Returns a function that stops it. */
  readonly onChange: (listener: () => void) => () => void;
  /** Whether the browser accepted it. There is never an answer. */
  readonly sendBeacon: (url: string, body: string) => boolean;
}

/** Declared here, so that the client compiles with the types of Node alone. */
interface Browser {
  readonly document: BrowserEvents & { readonly visibilityState: string };
  readonly navigator: { readonly sendBeacon?: (url: string, body: string) => boolean };
}

interface BrowserEvents {
  addEventListener(type: string, listener: (event: { readonly type: string }) => void): void;
  removeEventListener(type: string, listener: (event: { readonly type: string }) => void): void;
}

export const environmentOf = (fetchGiven: typeof fetch | undefined): Environment => ({
  // Browsers reject a `fetch` that is called as a method of another object.
  fetch: fetchGiven ?? ((input, init) => fetch(input, init)),
  now: Date.now,
  random: Math.random,
  newKey: newIdempotencyKey,
  sleep,
  page: pageIn(globalThis),
});

/** 128 random bits. `crypto.randomUUID` exists only in secure contexts. */
const newIdempotencyKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');

const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    if (signal?.aborted === true) end();
    else signal?.addEventListener('abort', end);
  });

const pageIn = (scope: object): Page | undefined => {
  const browser = scope as Partial<Browser> & BrowserEvents;
  const { document, navigator } = browser;
  if (document === undefined) return undefined;
  let isLeaving = false;
  return {
    isHidden: () => isLeaving || document.visibilityState === 'hidden',
    onChange: (listener) => {
      const changed = ({ type }: { readonly type: string }): void => {
        isLeaving = type === 'pagehide';
        listener();
      };
      document.addEventListener('visibilitychange', changed);
      browser.addEventListener('pagehide', changed);
      browser.addEventListener('pageshow', changed);
      return () => {
        document.removeEventListener('visibilitychange', changed);
        browser.removeEventListener('pagehide', changed);
        browser.removeEventListener('pageshow', changed);
      };
    },
    sendBeacon: (url, body) => navigator?.sendBeacon?.(url, body) ?? false,
  };
};
