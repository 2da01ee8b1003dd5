import type { ServiceInfo } from '../query-side/graphql/schema.js';
import { VERSION } from '../platform/package.js';
import type { ReadSide } from './read-side.js';

/**
 * What `serviceInfo` answers. While history is still being followed, nobody knows how much is left;
 * where other processes feed the active version, this one never does.
 */
export const serviceInfo =
  (role: string, readSide: ReadSide | null) => async (): Promise<ServiceInfo> => {
    const unknown = { version: VERSION, role, lagEvents: null, lagSeconds: null };
    if (readSide === null) return unknown;
    const { bridge, projectors, readStore } = readSide;
    const { caughtUp, waitingEvents, lagSeconds } = bridge.status();
    if (!caughtUp) return unknown;
    const active = await readStore.active();
    const onTheBus = active === null ? null : projectors.waiting(active.name);
    if (onTheBus === null) return unknown;
    return {
      ...unknown,
      lagEvents: waitingEvents + onTheBus,
      lagSeconds: onTheBus === 0 ? lagSeconds : null,
    };
  };
