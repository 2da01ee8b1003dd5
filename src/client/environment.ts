/** What a client needs of the machine that it runs on; the same in browsers and Node. */
export interface Environment {
  readonly fetch: typeof fetch;
  /** The time of the clock, in milliseconds. */
  readonly now: () => number;
  readonly random: () => number;
  readonly newKey: () => string;
  /** Resolves after that time, or once the signal is aborted. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Undefined where there is no page that could be hidden. */
  readonly page: Page | undefined;
}

/** A page that may be gone at any time once it is hidden. */
export interface Page {
  readonly isHidden: () => boolean;
  /** Calls it when the page may have been hidden or shown; returns how to stop that. */
  readonly onChange: (listener: () => void) => () => void;
  /** Whether the browser took it; an answer never comes. */
  readonly sendBeacon: (url: string, body: string) => boolean;
}

/** The part of a browser that is used, so that the types of Node are enough. */
interface Browser {
  readonly document: BrowserEvents & { readonly visibilityState: string };
  readonly navigator: { readonly sendBeacon?: (url: string, body: string) => boolean };
}

interface BrowserEvents {
  addEventListener(type: string, listener: (event: { readonly type: string }) => void): void;
  removeEventListener(type: string, listener: (event: { readonly type: string }) => void): void;
}

export const environmentOf = (fetchGiven: typeof fetch | undefined): Environment => ({
  // A browser's fetch must be called without another `this`.
  fetch: fetchGiven ?? ((input, init) => fetch(input, init)),
  now: Date.now,
  random: Math.random,
  newKey: newIdempotencyKey,
  sleep,
  page: pageIn(globalThis),
});

/** 128 random bits. `crypto.randomUUID` exists on encrypted pages only. */
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
