/** What a command handler takes, and for how long. Times in milliseconds. */
export interface CommandLimits {
  /** Anime states kept in memory. */
  readonly cachedAnimes: number;
  /** Commands with an Idempotency-Key remembered per anime. */
  readonly rememberedKeys: number;
  /** Events between two snapshots of an anime, so the longest tail to read. */
  readonly snapshotEvery: number;
  /** Per append. */
  readonly batchEvents: number;
  readonly batchBytes: number;
  /** Waiting commands, per anime and in all; beyond them commands are refused. */
  readonly waitingPerAnime: number;
  readonly waitingInAll: number;
  /** Every command is answered within this time. */
  readonly deadlineMs: number;
  /** When one attempt to append counts as lost. */
  readonly appendTimeoutMs: number;
  /** How long reading the state of an anime may take. */
  readonly loadTimeoutMs: number;
  /** How often a command is decided again after conflicts with other processes. */
  readonly conflictRetries: number;
  /** For how long the beginning of a stream is taken to be where it was last seen. */
  readonly beginningForMs: number;
  /** How soon a refused stream is looked at again. */
  readonly recheckAfterMs: number;
}

export const DEFAULT_COMMAND_LIMITS: CommandLimits = {
  cachedAnimes: 10_000,
  rememberedKeys: 4096,
  snapshotEvery: 250,
  batchEvents: 500,
  batchBytes: 512 * 1024,
  waitingPerAnime: 2000,
  waitingInAll: 20_000,
  deadlineMs: 10_000,
  appendTimeoutMs: 4000,
  loadTimeoutMs: 60_000,
  conflictRetries: 10,
  beginningForMs: 10_000,
  recheckAfterMs: 5_000,
};
