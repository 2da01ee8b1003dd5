import type { Bridge } from '../bridge/bridge.js';
import { VERSION } from '../platform/version.js';

/** What `serviceInfo` answers. While history is still being followed, nobody knows how much is left. */
export const serviceInfo = (role: string, bridge: Bridge) => () => {
  const { caughtUp, waitingEvents, lagSeconds } = bridge.status();
  return {
    version: VERSION,
    role,
    lagEvents: caughtUp ? waitingEvents : null,
    lagSeconds: caughtUp ? lagSeconds : null,
  };
};
