/** A record or stored event that could not be applied, and why. */
export interface DeadLetter {
  /** Stream and revision where they could be read, else the place on the bus. */
  readonly stream: string | null;
  readonly revision: number | null;
  readonly source: string;
  readonly reason: string;
  /** The value as it came, cut to 64 KiB. */
  readonly value: Uint8Array | null;
  readonly at: string;
}

/**
 * Where what cannot be applied is kept for a person to look at.
 *
 * - DL-1 An added letter is listed, oldest first.
 * - DL-2 The same stream and revision (or source, where there is no stream) is listed once.
 * - DL-3 `add` resolves when the letter is safe.
 */
export interface DeadLetters {
  add(letter: DeadLetter): Promise<void>;
  list(limit: number): Promise<readonly DeadLetter[]>;
}
