/** The root of the service, as the browser sees it: a proxy may have put a prefix before it. */
export const BASE = new URL(document.baseURI);

/** An absolute address of a path that is relative to the root. */
export const urlOf = (path: string): string => new URL(path, BASE).href;

export interface Settings {
  readonly version: string;
  readonly role: string;
  readonly commands: string | null;
  readonly demo: boolean;
  readonly eventStoreUi: string | null;
  readonly keys: boolean;
  readonly graphiql: boolean;
}

const STORED_KEY = 'anime-analytics-key';

/** The API key, for as long as the tab is open. */
export const storedKey = (): string => sessionStorage.getItem(STORED_KEY) ?? '';

export const storeKey = (key: string): void => {
  if (key === '') sessionStorage.removeItem(STORED_KEY);
  else sessionStorage.setItem(STORED_KEY, key);
  dispatchEvent(new Event('keychange'));
};

/** The headers that a request needs beside its own. */
export const keyHeaders = (): Readonly<Record<string, string>> => {
  const key = storedKey();
  return key === '' ? {} : { 'X-Api-Key': key };
};
