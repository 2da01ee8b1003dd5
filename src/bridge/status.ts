import { messageOf } from '../ports/errors.js';
import type { Position } from '../ports/event-store.js';
import type { Batcher } from './publish.js';

type BridgeRole = 'starting' | 'leading' | 'standby' | 'refusing' | 'stopped';

export interface BridgeStatus {
  readonly role: BridgeRole;
  /** Whether it has reached the end of the log since it became the leader. */
  readonly caughtUp: boolean;
  /** Everything up to here is on the bus. */
  readonly position: Position | null;
  /** The bridge that publishes; null while none is known. */
  readonly owner: string | null;
  /** Read from the log and not yet on the bus. */
  readonly waitingEvents: number;
  /** Age of the oldest of them. */
  readonly lagSeconds: number;
  readonly healthy: boolean;
  /** What keeps it from making progress. */
  readonly problem: string | null;
}

/** Failures shorter than this do not make the bridge unhealthy. */
const UNHEALTHY_AFTER_MS = 15_000;

type BridgeServer = 'log' | 'bus';

export interface BridgeStatusTracker {
  standsBy(): void;
  /** Another bridge publishes, and has reached this position. */
  sawOwner(owner: string, upTo: Position | null): void;
  leads(batcher: Batcher, owner: string): void;
  stops(): void;
  refuses(reason: string): void;
  caughtUp(): void;
  published(upTo: Position): void;
  /** The outcome of an attempt to use a server: an error, or null. */
  attempted(server: BridgeServer, error: unknown): void;
  read(): BridgeStatus;
}

export const createBridgeStatus = (clocks: {
  readonly now: () => number;
  readonly monotonic: () => number;
}): BridgeStatusTracker => {
  const { now, monotonic } = clocks;
  const failures = new Map<BridgeServer, { readonly since: number; readonly message: string }>();
  let role: BridgeRole = 'starting';
  let caughtUp = false;
  let position: Position | null = null;
  let owner: string | null = null;
  let batcher: Batcher | null = null;
  let refusal: string | null = null;

  const become = (next: BridgeRole): void => {
    role = next;
    batcher = null;
    caughtUp = false;
    owner = null;
  };

  const isHealthy = (): boolean =>
    (role === 'leading' || role === 'standby') &&
    [...failures.values()].every(({ since }) => monotonic() - since < UNHEALTHY_AFTER_MS);

  return {
    standsBy: () => become('standby'),
    stops: () => become('stopped'),
    sawOwner(its, upTo) {
      owner = its;
      position = upTo;
    },
    leads(its, name) {
      become('leading');
      batcher = its;
      owner = name;
    },
    refuses(reason) {
      become('refusing');
      refusal = reason;
    },
    caughtUp: () => void (caughtUp = true),
    published: (upTo) => void (position = upTo),
    attempted(server, error) {
      if (error === null) {
        failures.delete(server);
        return;
      }
      const since = failures.get(server)?.since ?? monotonic();
      failures.set(server, { since, message: messageOf(error) });
    },

    read() {
      const waiting = batcher?.waiting() ?? [];
      const [oldest] = waiting;
      return {
        role,
        caughtUp,
        position,
        owner,
        waitingEvents: waiting.length,
        lagSeconds: oldest === undefined ? 0 : Math.max(0, now() - oldest.recordedAt) / 1000,
        healthy: isHealthy(),
        problem: refusal ?? failures.get('log')?.message ?? failures.get('bus')?.message ?? null,
      };
    },
  };
};
