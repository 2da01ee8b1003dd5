import type { Decoded } from './upcast.js';

export type Unreadable = Exclude<Decoded, { readonly kind: 'event' | 'ignored' }>;

export const isUnreadable = (decoded: Decoded): decoded is Unreadable =>
  decoded.kind !== 'event' && decoded.kind !== 'ignored';

/** Why the event counts for nothing, as the end of a sentence. */
export const whyUnreadable = (decoded: Unreadable): string => {
  if (decoded.kind === 'malformed') return decoded.reason;
  return decoded.isNewer ? 'its schema version is newer than this service' : 'unknown type';
};

/** What an operator does about it. An event of a newer version is not given up: an upgrade reads it. */
export const remedyFor = (
  decoded: Unreadable,
  stream: string,
  /** Or a range of them, as the command takes it. */
  revision: bigint | number | string,
): string => {
  const command = `anime-analytics dead-letters ignore ${stream} ${revision}`;
  if (decoded.kind === 'malformed') return `To go on without it: ${command}`;
  return decoded.isNewer
    ? 'Upgrade this service: a newer version of it wrote the event.'
    : `Upgrade if a newer version of this service wrote it. To go on without it: ${command}`;
};
