import { expect } from 'chai';
import type { LogSubscriptionItem } from '../../src/embedded-eventstore/log/event-log.js';
import { eventually } from './eventually.js';

/** Takes items as they come, written short: `s@3`, `checkpoint`, `caught-up`, `deleted`. */
export const follow = (items: (signal: AbortSignal) => AsyncIterable<LogSubscriptionItem>) => {
  const stopping = new AbortController();
  const seen: string[] = [];
  const positions: bigint[] = [];
  const ended = (async () => {
    for await (const item of items(stopping.signal)) {
      seen.push(item.kind === 'event' ? `${item.event.stream}@${item.event.revision}` : item.kind);
      if (item.kind === 'checkpoint') positions.push(item.position);
    }
  })();
  ended.catch(() => undefined);
  return {
    seen,
    positions,
    ended,
    until: (...expected: string[]) => eventually(() => expect(seen).to.deep.equal(expected)),
    stop: () => {
      stopping.abort();
      return ended;
    },
  };
};
