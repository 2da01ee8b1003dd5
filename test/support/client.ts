import { createClientIn, type ClientOptions } from '../../src/client/client.js';
import { environmentOf, type Environment, type Page } from '../../src/client/environment.js';

/** What happens to one request of a client. */
export type RequestFault =
  | 'none'
  /** It never arrives. */
  | 'request-lost'
  /** It is handled, and the client never hears of it. */
  | 'answer-lost'
  /** Nothing comes back until the client stops waiting. */
  | 'silence'
  | RefusedRequest;

/** Answered by something in between, without reaching the service. */
interface RefusedRequest {
  readonly status: number;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Instead of a problem. */
  readonly html?: string;
}

const refused = ({ status, type, headers, html }: RefusedRequest): Response => {
  const problem = { type: type ?? 'about:blank', title: 'No', status, detail: 'Not now.' };
  const [contentType, body] =
    html === undefined
      ? ['application/problem+json', JSON.stringify(problem)]
      : ['text/html', html];
  return new Response(body, { status, headers: { 'Content-Type': contentType, ...headers } });
};

const silence = (signal: AbortSignal | null | undefined): Promise<never> =>
  new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error));
  });

/** A network whose requests meet the given faults, one each, in order; once they are used up all goes well. */
const faultyNetwork = (faults: readonly RequestFault[] = []) => {
  const left = [...faults];
  const requests: { readonly url: string; readonly headers: Headers; readonly body: string }[] = [];
  const faultyFetch: typeof fetch = async (input, init) => {
    const body = typeof init?.body === 'string' ? init.body : '';
    requests.push({ url: input as string, headers: new Headers(init?.headers), body });
    const fault = left.shift() ?? 'none';
    if (typeof fault === 'object') return refused(fault);
    if (fault === 'silence') return silence(init?.signal);
    if (fault === 'request-lost') throw new TypeError('fetch failed');
    const response = await fetch(input, init);
    if (fault === 'none') return response;
    await response.text();
    throw new TypeError('terminated');
  };
  return { fetch: faultyFetch, requests, add: (...more: RequestFault[]) => left.push(...more) };
};

/** Nobody waits for so long in these tests, unless something else ends the waiting. */
const FOR_EVER_MS = 3_600_000;

/** A client for which waiting takes no time, but is counted. */
export const hastyClient = (
  options: ClientOptions,
  faults: readonly RequestFault[] = [],
  more: Partial<Environment> = {},
) => {
  const network = faultyNetwork(faults);
  const pauses: number[] = [];
  const environment: Environment = {
    ...environmentOf(network.fetch),
    random: () => 0,
    sleep: async (ms, signal) => {
      pauses.push(ms);
      if (ms < FOR_EVER_MS) await new Promise(setImmediate);
      else await new Promise((resolve) => signal?.addEventListener('abort', resolve));
    },
    ...more,
  };
  return { ...network, pauses, client: createClientIn(options, environment) };
};

/** A page that is hidden and shown by a test; its beacons are kept, and taken up to so many bytes. */
export const scriptedPage = (beaconBytes = 64 * 1024) => {
  const listeners = new Set<() => void>();
  const beacons: string[] = [];
  let isHidden = false;
  let left = beaconBytes;
  const page: Page = {
    isHidden: () => isHidden,
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    sendBeacon: (_url, body) => {
      if (Buffer.byteLength(body) > left) return false;
      left -= Buffer.byteLength(body);
      beacons.push(body);
      return true;
    },
  };
  const change = (hidden: boolean): void => {
    isHidden = hidden;
    for (const listener of listeners) listener();
  };
  return {
    page,
    beacons,
    listeners,
    hide: () => change(true),
    show: () => change(false),
    /** Every command that the beacons have, in order. */
    sent: () =>
      beacons.flatMap((body) => JSON.parse(body) as { readonly id: string; user_id: string }[]),
  };
};
