import type { Config } from '../platform/config/config.js';
import type { Health } from '../platform/observability/health.js';
import type { Lifecycle } from '../platform/lifecycle.js';
import type { Logger } from '../platform/observability/logger.js';
import type { Metrics } from '../platform/observability/metrics.js';
import type { Addresses } from './addresses.js';
import type { Role } from './roles.js';
import type { ServerWatch } from './server-watch.js';

/** What every part of the service is opened with. */
export interface Dependencies {
  readonly config: Config;
  readonly logger: Logger;
  readonly lifecycle: Lifecycle;
  readonly metrics: Metrics;
  readonly health: Health;
  /** Absent in a job of the command line, which has no /health. */
  readonly servers?: ServerWatch;
}

/** What an HTTP port is opened with. */
export interface ServeDependencies extends Dependencies {
  readonly role: Role;
  /** Filled as the parts of this process open. */
  readonly addresses: Addresses;
}
