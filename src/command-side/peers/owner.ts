import { createHash } from 'node:crypto';
import type { AnimeId } from '../../domain/ids.js';

/** The hash of a member's id, for rendezvous hashing. */
export const seedOf = (memberId: string): number =>
  createHash('sha256').update(memberId).digest().readInt32LE(0);

/**
 * The owner of an anime by rendezvous hashing: processes with the same
 * members agree on it, and a member that joins or leaves moves only its own anime.
 */
export const ownerAmong = <Member extends { readonly seed: number }>(
  members: Iterable<Member>,
  animeId: AnimeId,
): Member | undefined => {
  let owner: Member | undefined;
  let best = -1;
  for (const member of members) {
    const score = mixed(member.seed ^ mixed(animeId));
    if (score > best) [owner, best] = [member, score];
  }
  return owner;
};

/** The finalizer of MurmurHash3: every bit of the input changes every bit of the output. */
const mixed = (value: number): number => {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};
