/** A record or stored event that could not be applied, and why. */
export interface DeadLetter {
  /** Stream and revision where they could be read, else the place on the bus. */
  readonly stream: string | null;
  readonly revision: number | null;
  readonly source: string;
  readonly reason: string;
  /** The value as it came. */
  readonly value: Uint8Array | null;
  readonly at: string;
}

const MAX_VALUE_BYTES = 64 * 1024;

/** How much of a value is kept: enough to recognise it. */
export const keptValue = ({ value }: Pick<DeadLetter, 'value'>): Uint8Array | null =>
  value === null ? null : value.subarray(0, MAX_VALUE_BYTES);

/**
 * Records and events that could not be applied, kept for an operator.
 *
 * - DL-1 An added letter is listed, oldest first.
 * - DL-2 The same stream and revision (or source, where there is no stream) is listed once.
 * - DL-3 `add` resolves when the letter is safe.
 * - DL-4 Of a value the first 64 KiB are kept.
 */
export interface DeadLetters {
  add(letter: DeadLetter): Promise<void>;
  list(limit: number): Promise<readonly DeadLetter[]>;
}
