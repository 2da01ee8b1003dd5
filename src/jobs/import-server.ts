import { setImmediate } from 'node:timers';
import type { ListTitle } from '../import/catalog-import.js';
import { unlessAborted } from '../platform/async/abort.js';
import { PortError } from '../ports/errors.js';
import {
  encodeOutcome,
  JobRefusedError,
  type NumberedTitle,
  type OutcomesFrame,
  readTitles,
  type TitleOutcome,
} from './socket-protocol.js';

/** Stops reading titles from a client that does not read its outcomes. */
const MAX_ENTRIES_IN_FLIGHT = 512;

interface ImportConnection {
  readonly lines: AsyncGenerator<string>;
  readonly send: (frame: OutcomesFrame) => void;
  /** Resolves once the output is flushed or the connection is closed. */
  readonly sent: () => Promise<void>;
}

/**
 * Lists the titles that a client sends, and returns each outcome as soon as it is known. Resolves after
 * the client's last title; rejects if the signal aborts, a frame cannot be read or a title fails with a bug.
 * Waits for titles in flight in every case.
 */
export const listTitlesOf = async (
  { lines, send, sent }: ImportConnection,
  list: ListTitle,
  signal: AbortSignal,
): Promise<void> => {
  const failed = new AbortController();
  const ended = AbortSignal.any([signal, failed.signal]);
  const outcomes = createOutcomes(send);
  const flights = createFlights();

  const begin = async ({ number, command }: NumberedTitle): Promise<void> => {
    try {
      outcomes.add(number, await list(command));
    } catch (error) {
      if (error instanceof PortError) outcomes.add(number, error);
      else failed.abort(error);
    } finally {
      flights.end();
    }
  };

  try {
    for (;;) {
      const line = await unlessAborted(ended, lines.next());
      if (line.done === true) return;
      for (const title of titlesOf(line.value)) {
        flights.begin();
        void begin(title);
      }
      await unlessAborted(ended, flights.below(MAX_ENTRIES_IN_FLIGHT));
      await unlessAborted(ended, sent());
    }
  } finally {
    await flights.below(1);
    outcomes.flush();
  }
};

const titlesOf = (line: string): readonly NumberedTitle[] => {
  try {
    return readTitles(line);
  } catch {
    throw new JobRefusedError('The titles of the import cannot be read.');
  }
};

/** Batches the outcomes of one turn of the event loop. */
const createOutcomes = (send: ImportConnection['send']) => {
  let ready: OutcomesFrame['outcomes'][number][] = [];
  const flush = (): void => {
    if (ready.length === 0) return;
    send({ outcomes: ready });
    ready = [];
  };
  return {
    add: (number: number, outcome: TitleOutcome): void => {
      if (ready.length === 0) setImmediate(flush);
      ready.push([number, encodeOutcome(outcome)]);
    },
    flush,
  };
};

/** Counts titles in flight. */
const createFlights = () => {
  let count = 0;
  let limit = 0;
  let wake: () => void = () => undefined;
  return {
    begin: (): void => void (count += 1),
    end: (): void => {
      count -= 1;
      if (count < limit) wake();
    },
    /** Resolves when fewer are in flight. One caller at a time. */
    below: async (most: number): Promise<void> => {
      if (count < most) return;
      limit = most;
      await new Promise<void>((resolve) => (wake = resolve));
    },
  };
};
