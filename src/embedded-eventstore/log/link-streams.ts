import { TOMBSTONE_REVISION } from './event-log.js';
import { isMetastream, originalOf, METADATA_TYPE, parseMetadata } from './stream-metadata.js';

export const LINK_TYPE = '$>';
const DELETED_TYPE = '$streamDeleted';

const CATEGORY_PREFIX = '$ce-';
const TYPE_PREFIX = '$et-';
const DELETIONS = `${TYPE_PREFIX}$deleted`;

/**
 * Streams of links that the log derives from its events, like `$by_category` and `$by_event_type`.
 */
export const isLinkStream = (stream: string): boolean =>
  stream.startsWith(CATEGORY_PREFIX) || stream.startsWith(TYPE_PREFIX);

/** Clients cannot write to a link stream or to its metadata. */
export const isReserved = (stream: string): boolean =>
  isLinkStream(isMetastream(stream) ? originalOf(stream) : stream);

export interface LinkableEvent {
  readonly stream: string;
  readonly revision: bigint;
  readonly type: string;
  /** A function, because only some links need the data. */
  readonly data: () => Uint8Array;
}

export interface EventLink {
  readonly linkStream: string;
  /** The link's data, if that is not the place of the event itself. */
  readonly target?: Uint8Array;
}

/**
 * The links that EventStoreDB's projections create for an event. System streams have none; the
 * category ends at the first `-`; a deletion counts for the deleted stream; a category link points
 * where the stream's own link points. A type link to metadata names the stream itself.
 */
export const linksOf = (event: LinkableEvent): readonly EventLink[] => {
  const { stream, revision, type } = event;
  const ofMetadata = isMetastream(stream);
  const original = ofMetadata ? originalOf(stream) : stream;
  if (original.startsWith('$')) return [];
  const deletion = isDeletion(event);
  const links: EventLink[] = [];
  const category = ofMetadata && !deletion ? undefined : categoryOf(original);
  if (category !== undefined) {
    links.push({ linkStream: CATEGORY_PREFIX + category, ...copiedTarget(event) });
  }
  if (type !== LINK_TYPE) {
    const target = ofMetadata ? { target: Buffer.from(`${revision}@${original}`) } : {};
    links.push({ linkStream: deletion ? DELETIONS : TYPE_PREFIX + type, ...target });
  }
  return links;
};

const categoryOf = (stream: string): string | undefined => {
  const end = stream.indexOf('-');
  return end > 0 ? stream.slice(0, end) : undefined;
};

const isDeletion = ({ stream, type, data }: LinkableEvent): boolean =>
  isMetastream(stream)
    ? type === METADATA_TYPE && parseMetadata({ type, data: data() }).softDeleted
    : type === DELETED_TYPE;

/** A revision, `@` and the longest name; anything longer cannot be resolved and is not copied. */
const MAX_TARGET_BYTES = 20 + 8 * 1024;

const copiedTarget = ({ type, data }: LinkableEvent): Pick<EventLink, 'target'> => {
  if (type !== LINK_TYPE) return {};
  const target = data();
  return target.byteLength === 0 || target.byteLength > MAX_TARGET_BYTES ? {} : { target };
};

/** The place of an event and of its link, as stored in the index. */
export interface LinkPlace {
  readonly linkStream: string;
  readonly stream: string;
  readonly revision: bigint;
  readonly position: number;
  readonly target: Uint8Array | null;
}

export const linkData = ({ stream, revision, target }: LinkPlace): Uint8Array =>
  target ?? Buffer.from(`${revision}@${stream}`);

/**
 * `$o` is the stream in which the category found the event; `$c` and `$p` are the position of the
 * event.
 */
export const linkMetadata = ({ linkStream, stream, revision, position }: LinkPlace): Uint8Array => {
  const byCategory = linkStream.startsWith(CATEGORY_PREFIX);
  const ofMetadata = isMetastream(stream);
  const original = ofMetadata ? originalOf(stream) : stream;
  const deletion = byCategory
    ? ofMetadata || revision === TOMBSTONE_REVISION
    : linkStream === DELETIONS;
  return Buffer.from(
    JSON.stringify({
      $c: position,
      $p: position,
      ...(byCategory ? { $o: original } : {}),
      ...(deletion ? { $deleted: -1 } : {}),
    }),
  );
};
