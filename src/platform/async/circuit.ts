import { settledWithin } from './abort.js';
import { pause } from './retry.js';

export interface CircuitTimes {
  /** A call without an answer for so long makes the circuit ping. */
  readonly suspectAfterMs?: number;
  /** A ping without an answer for so long opens the circuit. As long as that of the health check. */
  readonly pingMs?: number;
  /** The interval of pings while it is open. */
  readonly retryMs?: number;
}

interface CircuitOptions extends CircuitTimes {
  readonly ping: () => Promise<void>;
  /** Whether a ping that fails so opens the circuit too. */
  readonly isAway: (error: unknown) => boolean;
  readonly onOpen?: () => void;
}

/** Whether a server is known to be away, so that calls can be refused instead of timing out. */
export interface Circuit {
  readonly isOpen: () => boolean;
  /** Pings, and on until an answer if there is none. */
  readonly suspect: () => void;
  /** The server answered: closes the circuit. */
  readonly answered: () => void;
  /** Suspects the server if the call takes long. */
  readonly timed: <T>(call: () => Promise<T>) => Promise<T>;
  readonly close: () => void;
}

/** Opens on a ping only, never on a call: a slow call may be the call's fault. */
export const createCircuit = (options: CircuitOptions): Circuit => {
  const { isAway, onOpen, suspectAfterMs = 1_000, pingMs = 1_800, retryMs = 500 } = options;
  const closing = new AbortController();
  let isOpen = false;
  let answers = 0;
  let checking: Promise<void> | undefined;

  const answered = (): void => {
    answers += 1;
    isOpen = false;
  };

  const ping = async (): Promise<void> => {
    const before = answers;
    try {
      const pinged = options.ping();
      pinged.then(answered, () => undefined);
      if (await settledWithin(pinged, pingMs)) return;
      // Late, so away, unless something else was answered meanwhile.
    } catch (error) {
      if (!isAway(error)) return;
    }
    if (answers !== before || closing.signal.aborted) return;
    isOpen = true;
    onOpen?.();
  };

  const watch = async (): Promise<void> => {
    await ping();
    while (isOpen) {
      await pause(retryMs, closing.signal);
      // Not awaited: one that got lost must not delay the next.
      if (!closing.signal.aborted) void ping();
    }
  };

  const suspect = (): void => {
    if (closing.signal.aborted) return;
    checking ??= watch().finally(() => (checking = undefined));
  };

  return {
    isOpen: () => isOpen,
    suspect,
    answered,
    timed: async (call) => {
      const timer = setTimeout(suspect, suspectAfterMs);
      try {
        return await call();
      } finally {
        clearTimeout(timer);
      }
    },
    close: () => {
      closing.abort();
      isOpen = false;
    },
  };
};
