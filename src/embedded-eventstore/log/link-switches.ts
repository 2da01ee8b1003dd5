import { EventLogError } from './event-log.js';
import { OPTIONAL_LINKS, optionalFamily } from './link-rules.js';
import type { FromLogWriter } from './writer-protocol.js';

type Turned = Extract<FromLogWriter, { readonly kind: 'links-turned' }>;

interface LinkSwitch {
  readonly name: string;
  readonly on: boolean;
  readonly resolve: () => void;
  readonly reject: (error: EventLogError) => void;
}

/** Which of the optional link streams are on; the writer stores it, one switch after the other. */
export const createLinkSwitches = (options: {
  readonly enabled: readonly number[];
  readonly onTurnedOn: () => void;
}) => {
  const states = new Map(
    OPTIONAL_LINKS.map((name) => {
      const family = optionalFamily(name);
      return [name, family !== undefined && options.enabled.includes(family.id)];
    }),
  );
  let waiting: LinkSwitch[] = [];
  let ask: ((family: number, on: boolean) => void) | undefined;

  return {
    states: (): ReadonlyMap<string, boolean> => new Map(states),
    start: (askWriter: (family: number, on: boolean) => void): void => void (ask = askWriter),
    turn: async (name: string, on: boolean): Promise<void> => {
      const family = optionalFamily(name);
      if (family === undefined) throw new TypeError(`${name} is no optional link stream.`);
      await new Promise<void>((resolve, reject) => {
        waiting.push({ name, on, resolve, reject });
        ask?.(family.id, on);
      });
    },
    turned: ({ failure }: Turned): void => {
      const first = waiting.shift();
      if (first === undefined) return;
      if (failure !== undefined) {
        first.reject(new EventLogError('failed', `${first.name} could not be turned: ${failure}`));
        return;
      }
      const wasOn = states.get(first.name);
      states.set(first.name, first.on);
      if (first.on && wasOn === false) options.onTurnedOn();
      first.resolve();
    },
    stop: (error: EventLogError): void => {
      const left = waiting;
      waiting = [];
      for (const { reject } of left) reject(error);
    },
  };
};
