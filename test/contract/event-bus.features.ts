import { deliveryClauses } from './event-bus/delivery.js';
import { lookingClauses } from './event-bus/looking.js';
import { orderClauses } from './event-bus/order.js';
import type { EventBusTarget } from './event-bus/target.js';

/** The promises of `ports/event-bus.ts`, clause by clause. */
export const eventBusContract = (title: string, target: EventBusTarget): void => {
  describe(`event bus: ${title}`, function () {
    this.timeout(4 * target.withinMs);
    describe('order', () => orderClauses(target));
    describe('delivery', () => deliveryClauses(target));
    describe('inspection', () => lookingClauses(target));
  });
};
