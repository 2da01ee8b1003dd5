import type { StateRow } from '../log/writer-protocol.js';
import type { ProjectionHandlers, ProjectionSources } from './sandbox-definition.js';
import type { SandboxStates } from './sandbox-states.js';

/** An event as an array; `deleted` is the partition to delete if the event is the deletion of a stream. */
export type EventRow = readonly [
  stream: string,
  revision: number,
  type: string,
  isJson: boolean,
  data: string,
  metadata: string,
  id: string,
  linkMetadata: string,
  deleted: string | null,
];

/** An event to emit; its metadata is JSON text, without what the engine adds. */
export type EmittedRow = readonly [
  /** The row that caused it. */
  row: number,
  stream: string,
  type: string,
  isJson: boolean,
  data: string,
  metadata: string | null,
  /** For a result: its partition. Results of partitions are also linked from the stream of all results. */
  resultOf: string | null,
];

export interface BatchOutput {
  /** The number of rows that were processed. */
  readonly done: number;
  readonly handled: number;
  readonly states: readonly StateRow[];
  readonly emitted: readonly EmittedRow[];
  readonly logged: readonly string[];
  readonly cached: number;
  /** Why the row with the index `done` failed. */
  readonly fault?: string;
}

interface RunnerParts {
  readonly handlers: ProjectionHandlers;
  readonly sources: ProjectionSources;
  readonly write: (value: unknown) => string;
  readonly fatal: (message: string) => never;
  /** The first fatal message since the last call; set even if the projection caught the exception. */
  readonly takeFatal: () => string | undefined;
  readonly states: SandboxStates;
  readonly eventOf: (event: EventRow, partition: string) => object;
  /** Tells the host which row is running. */
  readonly progress: Int32Array;
}

export interface Runner {
  run(batch: string): string;
  /** Called by `emit` and the other effects. */
  add(stream: string, type: string, isJson: boolean, data: string, metadata: string | null): void;
  log(text: string): void;
}

/**
 * Runs inside the sandbox, where it is passed as text: it may use nothing from outside, and nothing that a
 * projection could have replaced. The runner takes a batch as JSON text and returns its output as JSON text.
 */
export const createRunner = (parts: RunnerParts): Runner => {
  const { handlers, sources, write, fatal, takeFatal, states, eventOf, progress } = parts;
  const { parse, stringify } = JSON;
  const asString = String;
  const PromiseOf = Promise;

  const BATCH_BYTES = 1024 * 1024;
  const EVENT_BYTES = 8 * 1024 * 1024;
  const EVENTS_PER_EVENT = 10_000;
  const LOGGED = 50;
  const LOGGED_LENGTH = 500;

  let emitted: unknown[] = [];
  let emittedBytes = 0;
  let logged: string[] = [];
  let row = 0;
  let live: { readonly partition: string; value: unknown } | undefined;
  let shared: { value: unknown } | undefined;

  const textOf = (value: unknown): string | null => {
    if (value === null || value === undefined) return null;
    return typeof value === 'string' ? value : write(value);
  };

  const partitionOf = (event: EventRow): string | null => {
    if (sources.byStream) return event[8] ?? event[0];
    if (handlers.partitionBy === null) return '';
    const partition = handlers.partitionBy(eventOf(event, ''));
    if (typeof partition === 'number') return asString(partition);
    return typeof partition === 'string' ? partition : null;
  };

  /** Makes the partition's state the live one; returns whether it is new. */
  const enter = (partition: string): boolean => {
    if (sources.biState && shared === undefined) {
      const [state] = states.get('');
      const value: unknown =
        state !== null && state !== ''
          ? parse(state)
          : handlers.initShared === null
            ? {}
            : handlers.initShared();
      shared = { value };
    }
    if (live?.partition === partition) return false;
    const [state] = states.get(partition);
    const known = state !== null && state !== '';
    const value: unknown = known ? parse(state) : handlers.init === null ? {} : handlers.init();
    live = { partition, value };
    return !known;
  };

  const resultOf = (state: string | null): string | null => {
    if (!sources.transforms) return state;
    let value: unknown = state === null ? null : parse(state);
    if (sources.biState) value = [value, shared === undefined ? null : parse(write(shared.value))];
    for (let i = 0; i < handlers.transforms.length; i++) {
      const [filter, apply] = handlers.transforms[i] as ProjectionHandlers['transforms'][number];
      if (!filter) value = apply(value);
      else if (apply(value) !== true) return null;
      if (value === null || value === undefined) return null;
    }
    return write(value);
  };

  const settle = (partition: string, next: unknown): void => {
    if (next instanceof PromiseOf) {
      fatal('A handler returned a promise: async handlers are not supported.');
    }
    let own = next;
    let all: string | null = null;
    if (sources.biState) {
      if (typeof next !== 'object' || next === null) {
        fatal('The state of a projection with a shared state must be an array of two.');
      }
      const pair = next as readonly unknown[];
      own = pair[0];
      shared = { value: pair[1] };
      all = textOf(pair[1]);
    }
    live = { partition, value: own };
    const before = states.get(partition);
    const state = textOf(own);
    const result = resultOf(state);
    // Nothing can fail from here on, so the changes are all or nothing.
    if (sources.biState && all !== states.get('')[0]) states.save('', all, null);
    if (state !== before[0] || result !== before[1]) states.save(partition, state, result);
    if (sources.outputState && result !== before[1]) writeResult(partition, result);
  };

  const add = (entry: readonly unknown[], bytes: number): void => {
    emitted[emitted.length] = entry;
    emittedBytes += bytes;
  };

  const writeResult = (partition: string, result: string | null): void => {
    const type = result === null ? 'ResultRemoved' : 'Result';
    const data = result ?? '';
    add([row, '', type, true, data, null, partition], data.length);
  };

  const handle = (event: EventRow): boolean => {
    const partition = partitionOf(event);
    if (partition === null) return false;
    if (event[3] && event[8] === null && event[4].trim() === '') return false;
    const created = enter(partition) && partition !== '';
    if (live === undefined) return false;
    const state = sources.biState ? [live.value, shared?.value] : live.value;
    if (event[8] !== null) {
      handlers.deleted?.(state, null, partition, false);
      settle(partition, state);
      return true;
    }
    const envelope = eventOf(event, partition);
    if (created)
      for (let i = 0; i < handlers.created.length; i++) handlers.created[i]?.(state, envelope);
    const handler = handlers.on[event[2]] ?? handlers.any;
    const next = handler === null ? event[4] : handler(state, envelope);
    settle(partition, next === undefined ? state : next);
    return true;
  };

  const messageOf = (error: unknown): string => {
    if (typeof error !== 'object' || error === null) return asString(error);
    const { name, message } = error as { readonly name?: unknown; readonly message?: unknown };
    const text = typeof message === 'string' ? message : asString(message);
    if (name !== 'ReferenceError') return text;
    return text[0] === "'" ? text.replace("'", '').replace("'", '') : text;
  };

  /** Returns whether the event was handled, or why it failed; then its changes and emitted events are undone. */
  const attempt = (event: EventRow): string | boolean => {
    const [events, bytes] = [emitted.length, emittedBytes];
    let failure: string | undefined;
    let handled = false;
    try {
      handled = handle(event);
    } catch (error) {
      failure = messageOf(error);
    }
    failure = takeFatal() ?? failure;
    if (emitted.length - events > EVENTS_PER_EVENT || emittedBytes - bytes > EVENT_BYTES) {
      failure ??= `One event emitted more than ${EVENTS_PER_EVENT} events or ${EVENT_BYTES} characters.`;
    }
    if (failure === undefined) return handled;
    emitted.length = events;
    live = undefined;
    shared = undefined;
    return failure;
  };

  const run = (batch: string): string => {
    const events = parse(batch) as readonly EventRow[];
    states.begin();
    [emitted, logged, emittedBytes] = [[], [], 0];
    let handled = 0;
    let fault: string | undefined;
    for (row = 0; row < events.length && fault === undefined; row++) {
      progress[0] = row;
      const outcome = attempt(events[row] as EventRow);
      if (typeof outcome === 'string') {
        fault = outcome;
        break;
      }
      if (outcome) handled += 1;
      // A batch must not end between an event and the deletion that it means.
      const next = events[row + 1];
      const mayEnd = next === undefined || next[8] === null;
      if (mayEnd && emittedBytes + states.changedBytes() > BATCH_BYTES) {
        row += 1;
        break;
      }
    }
    const changed = states.takeChanged();
    const reason = fault === undefined ? '' : `,"fault":${stringify(fault)}`;
    return (
      `{"done":${row},"handled":${handled},"states":[${changed}],"emitted":${stringify(emitted)},` +
      `"logged":${stringify(logged)},"cached":${states.size()}${reason}}`
    );
  };

  return {
    run,
    add: (stream, type, isJson, data, metadata) => {
      const bytes = data.length + (metadata === null ? 0 : metadata.length) + 100;
      add([row, stream, type, isJson, data, metadata, null], bytes);
    },
    log: (text) => {
      if (logged.length < LOGGED) logged[logged.length] = text.slice(0, LOGGED_LENGTH);
    },
  };
};
