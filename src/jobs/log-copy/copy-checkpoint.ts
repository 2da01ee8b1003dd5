import { randomUUID } from 'node:crypto';
import { PortError } from '../../ports/errors.js';
import type { ExpectedRevision, Position } from '../../ports/event-store.js';
import { jsonObjectIn } from '../../ports/json.js';
import { COPY_CHECKPOINTS } from './copied-events.js';
import type { LogTarget } from './target.js';

export interface CopyCheckpoint {
  /** Copied up to here; undefined on the first run. */
  readonly position: Position | undefined;
  readonly save: (position: Position) => Promise<void>;
}

const LOG_COPIED = 'LogCopied';
const KEPT = 10;

/**
 * How far a source has been copied. Stored in the target, in a stream named after the source, so that a
 * run cannot continue in the wrong target or from another source.
 */
export const openCopyCheckpoint = async (
  { store, patiently }: LogTarget,
  sourceId: string,
): Promise<CopyCheckpoint> => {
  const stream = `${COPY_CHECKPOINTS}${sourceId}`;
  let revision: ExpectedRevision = 'no_stream';
  let position: Position | undefined;
  for await (const last of store.read(stream, { direction: 'backwards', limit: 1 })) {
    revision = last.revision;
    position = copiedPositionIn(last.data);
    if (position === undefined) throw unreadable(stream);
  }
  const save = async (reached: Position): Promise<void> => {
    const { commit, prepare } = reached;
    if (revision === 'no_stream') await patiently(() => store.setMaxCount(stream, KEPT));
    const data = { source: sourceId, commit: String(commit), prepare: String(prepare) };
    const event = { id: randomUUID(), type: LOG_COPIED, data, metadata: {} };
    const expected = revision;
    revision = (await patiently(() => store.append(stream, expected, [event]))).revision;
  };
  return { position, save };
};

const copiedPositionIn = (data: Uint8Array): Position | undefined => {
  const { commit, prepare } = jsonObjectIn(data) ?? {};
  if (typeof commit !== 'string' || typeof prepare !== 'string') return undefined;
  return [commit, prepare].every((text) => /^\d{1,19}$/.test(text))
    ? { commit: BigInt(commit), prepare: BigInt(prepare) }
    : undefined;
};

const unreadable = (stream: string): PortError =>
  new PortError(
    'CORRUPT',
    `The stream ${stream} of the target does not say how far the source was copied: delete it to copy ` +
      'from the beginning again.',
    false,
    { context: { stream } },
  );
