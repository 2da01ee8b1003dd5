/** Actions on the versions of the read models. */
export type RebuildAction =
  | { readonly kind: 'build' }
  | { readonly kind: 'status' }
  /** Without a version: the newest that is ready, or the one that was active before. */
  | { readonly kind: 'promote' | 'rollback'; readonly version: string | undefined }
  | { readonly kind: 'prune'; readonly version: string };

export type DeadLettersAction =
  | { readonly kind: 'list'; readonly limit: number }
  /** The stream of one anime; without one, the streams of all open letters. */
  | { readonly kind: 'replay'; readonly stream: string | undefined }
  | IgnoreAction;

export interface IgnoreAction {
  readonly kind: 'ignore';
  readonly stream: string;
  /** First and last revision. */
  readonly from: number;
  readonly to: number;
  readonly reason: string;
  /** Also events that a newer version of this service wrote. */
  readonly evenNewer: boolean;
}

export interface ExportRequest {
  readonly format: 'ndjson' | 'csv';
  /** By default all but the event store's own types. */
  readonly types: readonly string[] | undefined;
  /** Starts after this commit position. */
  readonly since: bigint | undefined;
  /** Includes the event store's own types: stream metadata, tombstones and links. */
  readonly system: boolean;
  /** Adds the user ids of encrypted events. */
  readonly decrypt: boolean;
}

/** Each is a data directory, as an absolute path, or the address of a server. */
export interface CopyLogRequest {
  readonly from: string;
  readonly to: string;
  /** Encrypts plain user ids in the copy. */
  readonly encrypt: boolean;
}

/** A job on the log and the documents, which the process that owns them can run. */
export type StoreJob =
  | { readonly command: 'rebuild'; readonly action: RebuildAction }
  | { readonly command: 'audit'; readonly version: string | undefined }
  | { readonly command: 'verify' }
  /** The target is an absolute path. */
  | { readonly command: 'backup'; readonly target: string; readonly logOnly: boolean }
  | ({ readonly command: 'copy-log' } & CopyLogRequest)
  | { readonly command: 'export-statistics'; readonly format: ExportRequest['format'] }
  | { readonly command: 'dead-letters'; readonly action: DeadLettersAction }
  | { readonly command: 'erase-user'; readonly userId: string };

/** Whether the job only reads, so that it may run beside one that writes. */
export const isReadOnly = (job: StoreJob): boolean => {
  switch (job.command) {
    case 'audit':
    case 'verify':
    // Reads the log of the service and writes elsewhere.
    case 'copy-log':
    case 'export-statistics':
      return true;
    // A version must not be pruned while it is copied.
    case 'backup':
    case 'erase-user':
      return false;
    default:
      return ['status', 'list'].includes(job.action.kind);
  }
};
