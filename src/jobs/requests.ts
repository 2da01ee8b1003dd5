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
  /** Without them, all but the types of the event store itself. */
  readonly types: readonly string[] | undefined;
  /** The commit position to go on after. */
  readonly since: bigint | undefined;
  /** Also the event store's own types: metadata of streams, tombstones and links. */
  readonly system: boolean;
  /** Whether to add the user ids of protected events. */
  readonly decrypt: boolean;
}

/** Each a data directory, as an absolute path, or the address of a server. */
export interface CopyLogRequest {
  readonly from: string;
  readonly to: string;
  /** Whether the copy shall hold no user id in plain text. */
  readonly encrypt: boolean;
}

/** A job on the log and the documents; the process that owns them can run it, too. */
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

/** Whether the job leaves everything as it is, and may run beside one that does not. */
export const isReadOnly = (job: StoreJob): boolean => {
  switch (job.command) {
    case 'audit':
    case 'verify':
    // It reads the log of the service, and writes to another place.
    case 'copy-log':
    case 'export-statistics':
      return true;
    // No version may be removed while it is copied.
    case 'backup':
    case 'erase-user':
      return false;
    default:
      return ['status', 'list'].includes(job.action.kind);
  }
};
