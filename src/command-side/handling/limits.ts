/** The limits of a command handler. Times in milliseconds. */
export interface CommandLimits {
  /** Anime states kept in memory. */
  readonly cachedAnimes: number;
  /** Commands with an Idempotency-Key remembered per anime. */
  readonly rememberedKeys: number;
  /** Events between two snapshots of an anime: the longest tail to read. */
  readonly snapshotEvery: number;
  /** Per append. */
  readonly batchEvents: number;
  readonly batchBytes: number;
  /** Queued commands, per anime and in total; above that commands are refused. */
  readonly waitingPerAnime: number;
  readonly waitingInAll: number;
  /** Every command is answered within this time. */
  readonly deadlineMs: number;
  /** After this time an attempt to append counts as lost. */
  readonly appendTimeoutMs: number;
  /** Time limit for loading the state of an anime. */
  readonly loadTimeoutMs: number;
  /** Retries after conflicts with other processes. */
  readonly conflictRetries: number;
  /** How long the first revision of a stream is cached: it may be truncated meanwhile. */
  readonly beginningForMs: number;
  /** Interval between checks of a refused stream. */
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
  conflictRetries: 100,
  beginningForMs: 10_000,
  recheckAfterMs: 5_000,
};
