import { randomUUID } from 'node:crypto';
import { StreamDeletedError, WrongExpectedRevisionError } from '../../ports/errors.js';
import type { EncodedEvent, EventStore, RecordedEvent } from '../../ports/event-store.js';
import { jsonObjectIn, type UnknownFields } from '../../ports/json.js';
import { metadataStreamOf } from './copied-events.js';
import type { Patiently } from './target.js';

/** Metadata of a stream that begins with placeholders: how many there are. */
const FILLED_BEFORE = 'filledBefore';
/** As a soft delete hides them. JavaScript cannot hold 2^63-1 exactly, so compare with a bound below it. */
const ALL_HIDDEN_FROM = 9.2e18;

interface MetadataCopies {
  /** Writes the last of these metadata events, unless the target has it. */
  readonly write: (events: readonly RecordedEvent[]) => Promise<number>;
  /** Hides placeholders from readers, and keeps the rest of the metadata. */
  readonly hideBefore: (stream: string, revision: bigint) => Promise<void>;
}

/**
 * A server keeps only the last metadata of a stream, and writes its own when a deleted stream is recreated.
 * So only the latest state is copied, and its revisions are the target's.
 */
export const createMetadataCopies = (store: EventStore, patiently: Patiently): MetadataCopies => {
  const replace = async (
    metastream: string,
    next: (now: Uint8Array | undefined) => EncodedEvent | null,
  ): Promise<number> => {
    for (;;) {
      try {
        const last = await patiently(() => lastIn(store, metastream));
        const event = next(last?.data);
        if (event === null) return 0;
        const expected = last?.revision ?? 'no_stream';
        await patiently(() => store.append(metastream, expected, [event]));
        return 1;
      } catch (error) {
        // The stream was tombstoned together with its metadata.
        if (error instanceof StreamDeletedError) return 0;
        // The server wrote metadata in between.
        if (!(error instanceof WrongExpectedRevisionError)) throw error;
      }
    }
  };

  return {
    write: async (events) => {
      const newest = events.at(-1);
      if (newest === undefined) return 0;
      return await replace(newest.stream, (now) => {
        const data = stillHiding(newest.data, now);
        const { id, type, metadata, isJson } = newest;
        return now !== undefined && Buffer.compare(now, data) === 0
          ? null
          : { id, type, data, metadata, isJson };
      });
    },
    hideBefore: async (stream, revision) => {
      await replace(metadataStreamOf(stream), (now) => {
        const fields = now === undefined ? {} : (jsonObjectIn(now) ?? {});
        if (Number(fields['$tb']) >= ALL_HIDDEN_FROM) return null;
        const data = hiding(fields, Number(revision));
        return {
          id: randomUUID(),
          type: '$metadata',
          data,
          metadata: NO_METADATA_BYTES,
          isJson: true,
        };
      });
    },
  };
};

const NO_METADATA_BYTES = new Uint8Array();

const lastIn = async (store: EventStore, stream: string): Promise<RecordedEvent | undefined> => {
  for await (const event of store.read(stream, { direction: 'backwards', limit: 1 })) return event;
  return undefined;
};

const hiding = (fields: UnknownFields, revision: number): Uint8Array => {
  const truncated = Math.max(Number(fields['$tb'] ?? 0), revision);
  return Buffer.from(JSON.stringify({ ...fields, $tb: truncated, [FILLED_BEFORE]: revision }));
};

/** The source's metadata, with `$tb` raised to keep placeholders hidden. */
const stillHiding = (data: Uint8Array, now: Uint8Array | undefined): Uint8Array => {
  const filled = now === undefined ? undefined : jsonObjectIn(now)?.[FILLED_BEFORE];
  const fields = jsonObjectIn(data);
  if (typeof filled !== 'number' || fields === undefined) return data;
  return Number(fields['$tb']) >= ALL_HIDDEN_FROM ? data : hiding(fields, filled);
};

/** The part that source and copy have in common. */
export const comparableMetadata = (data: Uint8Array): string => {
  const fields = jsonObjectIn(data) ?? {};
  const sorted = Object.entries(fields)
    .filter(([name]) => name !== '$tb' && name !== FILLED_BEFORE)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([Number(fields['$tb']) >= ALL_HIDDEN_FROM, sorted]);
};
