import type { EncodedEvent, RecordedEvent } from '../ports/event-store.js';

/** Holds, in the metadata of a copy, when the log that it was copied from recorded the event. */
const ORIGINALLY_RECORDED_AT = 'originallyRecordedAt';
/** Metadata of the original that is not a JSON object. */
const ORIGINAL_METADATA = 'originalMetadataBase64';

/**
 * The event for a store that sets the time itself: the original time goes to the end of its metadata,
 * of which every other byte stays.
 */
export const withOriginalTime = (event: RecordedEvent): EncodedEvent => {
  const { id, type, data, metadata, isJson, recordedAt } = event;
  const time = `"${ORIGINALLY_RECORDED_AT}":"${new Date(recordedAt).toISOString()}"}`;
  const bytes = Buffer.from(metadata);
  const kept = isJsonObjectText(bytes)
    ? [bytes.subarray(0, -1), Buffer.from(isEmptyObject(bytes) ? time : `,${time}`)]
    : [Buffer.from(`{"${ORIGINAL_METADATA}":"${bytes.toString('base64')}",${time}`)];
  return { id, type, data, metadata: Buffer.concat(kept), isJson };
};

/** The event as it was before it was copied; one that is not a copy stays as it is. */
export const asOriginal = (event: RecordedEvent): RecordedEvent => {
  // Latin 1 maps bytes one to one, and the searched text is ASCII.
  const text = Buffer.from(event.metadata).toString('latin1');
  const found = COPY_METADATA.exec(text);
  const recordedAt = Date.parse(found?.[2] ?? '');
  if (found === null || Number.isNaN(recordedAt)) return event;
  const wrapped = WRAPPED.exec(text)?.[1];
  const metadata =
    wrapped === undefined
      ? Buffer.from(`${text.slice(0, found.index)}}`, 'latin1')
      : Buffer.from(wrapped, 'base64');
  return { ...event, metadata, recordedAt };
};

const COPY_METADATA = new RegExp(
  `(,|(?<=\\{\\s*))"${ORIGINALLY_RECORDED_AT}":"([-0-9T:.Z]{24})"\\}$`,
);
const WRAPPED = new RegExp(`^\\{"${ORIGINAL_METADATA}":"([A-Za-z0-9+/=]*)",[^,]*$`);

const isEmptyObject = (bytes: Buffer): boolean => /^\{\s*\}$/.test(bytes.toString('latin1'));

/** An object without anything before or after it. */
const isJsonObjectText = (bytes: Buffer): boolean => {
  if (bytes.at(0) !== OPENING_BRACE || bytes.at(-1) !== CLOSING_BRACE) return false;
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return true;
  } catch {
    return false;
  }
};

const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;
