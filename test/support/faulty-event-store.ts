import { collect } from '../../src/platform/async/pages.js';
import {
  OutcomeUnknownError,
  UnavailableError,
  WrongExpectedRevisionError,
} from '../../src/ports/errors.js';
import type {
  AppendResult,
  EventStore,
  EncodedEvent,
  NewEvent,
} from '../../src/ports/event-store.js';

interface AppendCall {
  readonly stream: string;
  readonly expected: bigint | 'no_stream';
  readonly events: readonly (NewEvent | EncodedEvent)[];
  /** What the store itself would do. */
  readonly forward: () => Promise<AppendResult>;
}

/** What happens to one append instead of what should. */
export type AppendFault = (call: AppendCall) => Promise<AppendResult>;

export const loseAnswer: AppendFault = async ({ forward }) => {
  await forward();
  throw new OutcomeUnknownError('The answer was lost.');
};

export const neverApply: AppendFault = () =>
  Promise.reject(new OutcomeUnknownError('The request was lost.'));

export const refuse: AppendFault = () => Promise.reject(new UnavailableError('The store is down.'));

export const conflict: AppendFault = ({ stream, expected }) =>
  Promise.reject(new WrongExpectedRevisionError(stream, expected, expected));

/** Somebody else does something just before the append arrives. */
export const after =
  (other: () => Promise<unknown>): AppendFault =>
  async ({ forward }) => {
    await other();
    return forward();
  };

/** The append waits until it is let go. */
export const held = () => {
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => void (release = resolve));
  const fault: AppendFault = async ({ forward }) => {
    await gate;
    return forward();
  };
  return { fault, release };
};

/** A store whose first read from now on has read all that is there, and hands it over once released. */
export const withHeldRead = (store: EventStore) => {
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => void (release = resolve));
  let isNext = false;
  let isHeld = false;
  const holding: EventStore = {
    ...store,
    read: async function* (...asked) {
      const isThis = isNext;
      isNext = false;
      const events = await collect(store.read(...asked));
      if (isThis) {
        isHeld = true;
        await gate;
      }
      yield* events;
    },
  };
  return { holding, holdNext: () => (isNext = true), isHeld: () => isHeld, release };
};

/**
 * An event store whose appends to animes' streams meet the given faults, one each, in order; once
 * they are used up all goes well. It keeps what was asked of it.
 */
export const faultyEventStore = <Store extends EventStore>(store: Store) => {
  const faults: AppendFault[] = [];
  const appends: AppendCall[] = [];
  let always: AppendFault | undefined;
  let outage: Error | undefined;
  let eventsRead = 0;

  const faulty: Store = {
    ...store,
    append: (stream, expected, events, options) => {
      const call: AppendCall = {
        stream,
        expected,
        events,
        forward: () => store.append(stream, expected, events, options),
      };
      if (!stream.startsWith('anime-')) return call.forward();
      appends.push(call);
      const fault = faults.shift() ?? always;
      return fault === undefined ? call.forward() : fault(call);
    },
    head: async (stream) => {
      if (outage !== undefined) throw outage;
      return store.head(stream);
    },
    read: async function* (stream, options) {
      if (outage !== undefined) throw outage;
      for await (const event of store.read(stream, options)) {
        eventsRead += 1;
        yield event;
      }
    },
  };

  return {
    store: faulty,
    appends,
    next: (...planned: readonly AppendFault[]) => void faults.push(...planned),
    always: (fault: AppendFault | undefined) => void (always = fault),
    /** From now on nothing can be read; undefined ends it. */
    readsFail: (error: Error | undefined) => void (outage = error),
    eventsRead: () => eventsRead,
  };
};
