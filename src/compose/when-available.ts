import { unlessAborted } from '../platform/async/abort.js';
import { ConfigError } from '../platform/config/config.js';
import type { Logger } from '../platform/observability/logger.js';
import { pause, retry } from '../platform/async/retry.js';
import { isRetriable, messageOf, PortError } from '../ports/errors.js';
import type { Server } from './servers.js';

const WAIT_BACKOFF = { baseMs: 200, maxMs: 5000 };
/** A client that takes longer to connect has a problem worth a line in the log. */
const PATIENCE_MS = 1_500;
const FIRST_LINE_AGAIN_MS = 1_000;
const LAST_LINE_AGAIN_MS = 30_000;

export interface WaitOptions {
  /** Null for an embedded part. */
  readonly server: Server | null;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Called with the reason each time one is logged. */
  readonly onWait?: ((server: Server, why: string) => void) | undefined;
}

/**
 * Retries until the server answers: a service may start before its servers. Logs which server it waits
 * for and why, at growing intervals. Rejects as soon as the signal aborts, and with a ConfigError where
 * waiting does not help: a login, a right, a certificate, or TLS on one side only.
 */
export const whenAvailable = async <T>(ask: () => Promise<T>, options: WaitOptions): Promise<T> => {
  const { server, logger, signal } = options;
  const wait = createWait(options);
  signal.throwIfAborted();
  try {
    const answer = await retry(() => unlessAborted(signal, wait.telling(ask())), {
      backoff: WAIT_BACKOFF,
      signal,
      retriable: isRetriable,
      onFailure: async (error) => {
        logger.debug('A server did not respond', { server: server?.name, error });
        await unlessAborted(signal, wait.tell(error));
      },
    });
    wait.over();
    return answer;
  } catch (error) {
    signal.throwIfAborted();
    throw explained(server, error);
  }
};

const explained = (server: Server | null, error: unknown): unknown =>
  server !== null && error instanceof PortError && error.code === 'ACCESS_DENIED'
    ? new ConfigError(`${server.setting}: ${error.message} ${server.rights}`)
    : error;

const createWait = ({ server, logger, signal, onWait }: WaitOptions) => {
  const since = performance.now();
  let lines = 0;
  let nextLineAt = 0;

  const tell = async (error: unknown): Promise<void> => {
    if (performance.now() < nextLineAt) return;
    const found = await server?.findFault();
    if (signal.aborted) return;
    const why = found || (error === null ? 'it has not answered yet' : messageOf(error));
    if (server !== null) onWait?.(server, why);
    logger.warn('Waiting for a server', {
      server: server?.name ?? 'embedded',
      at: server?.at,
      setting: server?.setting,
      why,
      // Where the connection itself is fine, the client's error helps.
      ...(found || error === null ? {} : { detail: detailOf(error), hint: server?.hint }),
      waitedSeconds: Math.round((performance.now() - since) / 1000),
    });
    const pauseMs = Math.min(LAST_LINE_AGAIN_MS, FIRST_LINE_AGAIN_MS * 2 ** lines);
    lines += 1;
    nextLineAt = performance.now() + pauseMs;
  };

  return {
    tell,

    /** The promise's outcome; logs what it waits for meanwhile. */
    async telling<T>(answer: Promise<T>): Promise<T> {
      const settled = new AbortController();
      const watch = async (): Promise<never> => {
        for (;;) {
          await pause(PATIENCE_MS, settled.signal);
          // The race is over, and nothing awaits this promise any more.
          if (settled.signal.aborted) return await new Promise<never>(() => undefined);
          await tell(null);
        }
      };
      try {
        return await Promise.race([answer, watch()]);
      } finally {
        settled.abort();
      }
    },

    over(): void {
      if (lines === 0) return;
      const waitedSeconds = Math.round((performance.now() - since) / 1000);
      logger.info('Server available', { server: server?.name ?? 'embedded', waitedSeconds });
    },
  };
};

const detailOf = (error: unknown): unknown => {
  if (!(error instanceof PortError)) return undefined;
  const { details, detail, reason } = error.context;
  return details ?? detail ?? reason;
};

/**
 * Waits for several servers at once, so that all missing ones are reported. The first failure ends the
 * other waits.
 */
export const allOrNone = async <
  Needs extends { readonly signal: AbortSignal },
  Begun extends readonly Promise<unknown>[] | [],
>(
  dependencies: Needs,
  begin: (each: Needs) => Begun,
): Promise<{ -readonly [I in keyof Begun]: Awaited<Begun[I]> }> => {
  const failed = new AbortController();
  const begun = begin({
    ...dependencies,
    signal: AbortSignal.any([dependencies.signal, failed.signal]),
  });
  try {
    return await Promise.all(begun);
  } catch (error) {
    failed.abort();
    await Promise.allSettled(begun);
    throw error;
  }
};
