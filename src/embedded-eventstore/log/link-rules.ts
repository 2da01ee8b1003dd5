import { METADATA_TYPE, isMetastream, originalOf, parseMetadata } from './stream-metadata.js';

export const LINK_TYPE = '$>';
/** A link to a stream as a whole. */
const STREAM_LINK_TYPE = '$@';
const DELETED_TYPE = '$streamDeleted';

const CATEGORY_PREFIX = '$ce-';
const TYPE_PREFIX = '$et-';
const DELETIONS = `${TYPE_PREFIX}$deleted`;
const STREAMS = '$streams';
const STREAMS_OF_CATEGORY_PREFIX = '$category-';
const CORRELATION_PREFIX = '$bc-';

const PREFIXES = [
  CATEGORY_PREFIX,
  TYPE_PREFIX,
  STREAMS_OF_CATEGORY_PREFIX,
  CORRELATION_PREFIX,
] as const;

/**
 * Streams of links that the log derives from its events, like EventStoreDB's system projections.
 */
export const isLinkStream = (stream: string): boolean =>
  stream === STREAMS || PREFIXES.some((prefix) => stream.startsWith(prefix));

/** Clients cannot write to a link stream or to its metadata. */
export const isReserved = (stream: string): boolean =>
  isLinkStream(isMetastream(stream) ? originalOf(stream) : stream);

export const isCategoryStream = (linkStream: string): boolean =>
  linkStream.startsWith(CATEGORY_PREFIX);

export const isDeletionStream = (linkStream: string): boolean => linkStream === DELETIONS;

export const linkTypeOf = (linkStream: string): string =>
  linkStream.startsWith(STREAMS_OF_CATEGORY_PREFIX) ? STREAM_LINK_TYPE : LINK_TYPE;

interface LinkableEvent {
  readonly stream: string;
  readonly revision: bigint;
  readonly type: string;
  /** A function, because only some links need the data. */
  readonly data: () => Uint8Array;
  readonly metadata: () => Uint8Array;
}

interface EventLink {
  readonly linkStream: string;
  /** The link's data, if that is not the place of the event itself. */
  readonly target?: Uint8Array;
}

/** A set of link streams that is turned on as a whole, with its number in the index. */
export interface LinkFamily {
  readonly id: number;
  readonly linksOf: (event: LinkableEvent) => readonly EventLink[];
}

/**
 * `$by_category` and `$by_event_type`: always on. Metadata has no category; the category ends at
 * the first `-`; a deletion counts for the deleted stream; a category link points where the
 * stream's own link points. A type link to metadata names the stream itself.
 */
const byCategoryAndType = (event: LinkableEvent): readonly EventLink[] => {
  const { stream, revision, type } = event;
  const ofMetadata = isMetastream(stream);
  const original = ofMetadata ? originalOf(stream) : stream;
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

/** `$streams`: the first event of each stream, also of a metadata stream. */
const byStream = ({ revision }: LinkableEvent): readonly EventLink[] =>
  revision === 0n ? [{ linkStream: STREAMS }] : [];

/** `$stream_by_category`: the name of each stream. */
const byStreamAndCategory = ({ stream, revision }: LinkableEvent): readonly EventLink[] => {
  const category = revision === 0n ? categoryOf(stream) : undefined;
  if (category === undefined) return [];
  return [{ linkStream: STREAMS_OF_CATEGORY_PREFIX + category, target: Buffer.from(stream) }];
};

/** Anything longer would be no name that a client can ask for. */
const MAX_CORRELATION_ID = 1024;

/** `$by_correlation_id`: events, but not links, whose metadata has a `$correlationId`. */
const byCorrelation = ({ type, metadata }: LinkableEvent): readonly EventLink[] => {
  if (type === LINK_TYPE) return [];
  const id = correlationIn(Buffer.from(metadata()).toString());
  if (id === undefined || id.length > MAX_CORRELATION_ID) return [];
  return [{ linkStream: CORRELATION_PREFIX + id }];
};

const correlationIn = (json: string): string | undefined => {
  if (!json.includes('$correlationId')) return undefined;
  try {
    const found = (Object(JSON.parse(json)) as Record<string, unknown>)['$correlationId'];
    // NUL ends a name in SQLite's functions.
    return typeof found === 'string' && !found.includes('\0') ? found.toWellFormed() : undefined;
  } catch {
    return undefined;
  }
};

const ALWAYS: LinkFamily = { id: 1, linksOf: byCategoryAndType };

/** The system projections that can be turned on and off. */
const OPTIONAL: ReadonlyMap<string, LinkFamily> = new Map([
  ['$streams', { id: 2, linksOf: byStream }],
  ['$stream_by_category', { id: 3, linksOf: byStreamAndCategory }],
  ['$by_correlation_id', { id: 4, linksOf: byCorrelation }],
]);

export const OPTIONAL_LINKS = [...OPTIONAL.keys()];

export const optionalFamily = (name: string): LinkFamily | undefined => OPTIONAL.get(name);

export const FAMILIES: readonly LinkFamily[] = [ALWAYS, ...OPTIONAL.values()];

/** System streams have no links. */
export const hasLinks = (stream: string): boolean =>
  !(isMetastream(stream) ? originalOf(stream) : stream).startsWith('$');

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
