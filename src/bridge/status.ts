import type { Position } from '../ports/event-store.js';
import type { Batcher } from './batcher.js';

export type BridgeRole = 'starting' | 'leading' | 'standby' | 'refusing' | 'stopped';

export interface BridgeStatus {
  readonly role: BridgeRole;
  /** Whether it has come to the log's end since it leads. */
  readonly caughtUp: boolean;
  readonly position: Position | null;
  /** Read from the log and not yet on the bus. */
  readonly waitingEvents: number;
  /** Age of the oldest of them. */
  readonly lagSeconds: number;
  /** Why it does not get on at the moment. */
  readonly problem: string | null;
}

/** A failure that lasts longer is no hiccup. */
const UNHEALTHY_AFTER_MS = 15_000;

type Side = 'log' | 'bus';

export const createBridgeStatus = (clocks: {
  readonly now: () => number;
  readonly monotonic: () => number;
}) => {
  const { now, monotonic } = clocks;
  const failures = new Map<Side, { readonly since: number; readonly message: string }>();
  let role: BridgeRole = 'starting';
  let caughtUp = false;
  let position: Position | null = null;
  let batcher: Batcher | null = null;
  let refusal: string | null = null;

  const become = (next: BridgeRole): void => {
    role = next;
    batcher = null;
    caughtUp = false;
  };

  return {
    standsBy: () => become('standby'),
    stops: () => become('stopped'),
    leads(its: Batcher): void {
      become('leading');
      batcher = its;
    },
    refuses(reason: string): void {
      become('refusing');
      refusal = reason;
    },
    caughtUp: () => void (caughtUp = true),
    published: (upTo: Position) => void (position = upTo),
    attempted(side: Side, error: unknown): void {
      if (error === null) failures.delete(side);
      else {
        const since = failures.get(side)?.since ?? monotonic();
        failures.set(side, { since, message: error instanceof Error ? error.message : 'unknown' });
      }
    },

    healthy: (): boolean =>
      (role === 'leading' || role === 'standby') &&
      [...failures.values()].every(({ since }) => monotonic() - since < UNHEALTHY_AFTER_MS),

    read(): BridgeStatus {
      const waiting = (batcher?.waiting() ?? []).filter(({ record }) => record !== null);
      const oldest = waiting[0]?.recordedAt;
      return {
        role,
        caughtUp,
        position,
        waitingEvents: waiting.length,
        lagSeconds: oldest === undefined ? 0 : Math.max(0, now() - oldest) / 1000,
        problem: refusal ?? failures.get('log')?.message ?? failures.get('bus')?.message ?? null,
      };
    },
  };
};

export type BridgeStatusTracker = ReturnType<typeof createBridgeStatus>;
