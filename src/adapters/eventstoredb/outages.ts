import type { Logger } from '../../platform/observability/logger.js';
import { reasonOf, secondsBetween } from '../../platform/async/outage.js';
import { OutcomeUnknownError, UnavailableError } from '../../ports/errors.js';

export type Asked = 'append' | 'read' | 'subscription';

interface Outage {
  readonly since: number;
  appendsFailed: number;
  /** A follower still serves subscriptions while there is no leader for the rest. */
  ofLeader: boolean;
}

/**
 * A server that does not answer is met by every caller at once and again and again: the log has a
 * line when it begins and one when it is over, whoever finds out.
 */
export const createOutages = (logger: Logger, monotonic = () => performance.now()) => {
  let outage: Outage | null = null;
  return {
    failed(asked: Asked, error: unknown): void {
      if (!(error instanceof UnavailableError || error instanceof OutcomeUnknownError)) return;
      if (outage === null) {
        outage = { since: monotonic(), appendsFailed: 0, ofLeader: false };
        logger.warn('The event store is not answering', { asked, why: reasonOf(error) });
      }
      if (asked === 'append') outage.appendsFailed += 1;
      outage.ofLeader ||= asked !== 'subscription';
    },
    answered(asked: Asked): void {
      if (outage === null || (outage.ofLeader && asked === 'subscription')) return;
      const { since, appendsFailed } = outage;
      outage = null;
      const afterSeconds = secondsBetween(since, monotonic());
      logger.info('The event store answers again', { afterSeconds, appendsFailed });
    },
  };
};

export type Outages = ReturnType<typeof createOutages>;
