import { PortError, UnavailableError } from '../../ports/errors.js';
import type { VersionRecord } from '../../ports/read-store.js';

/** A record with the key that is in the names of the version's collections, used for it alone. */
export interface KeyedVersion extends VersionRecord {
  readonly key: string;
}

type Stored<Version extends VersionRecord> = Omit<Version, 'fingerprint' | 'group'> & {
  readonly fingerprint?: string | null | undefined;
  readonly group?: string | undefined;
};

/** All versions, oldest first. They are one document, so that every change of them is one step. */
export type Versions = readonly KeyedVersion[];

/**
 * What the first releases stored has no fingerprint and no group. Theirs were called by the name alone,
 * and go on from where they are.
 */
export const recordOf = ({
  name,
  state,
  logId,
  createdAt,
  fingerprint = null,
  group = name,
}: Stored<KeyedVersion>): VersionRecord => ({
  name,
  state,
  logId,
  createdAt,
  fingerprint,
  group,
});

export const activeOf = (versions: Versions): KeyedVersion | undefined =>
  versions.find(({ state }) => state === 'active');

export const find = (versions: Versions, name: string): KeyedVersion | undefined =>
  versions.find((version) => version.name === name);

/** Adds a version, or leaves the one of that name as it is. */
export const withVersion = (versions: Versions, added: Omit<KeyedVersion, 'state'>): Versions =>
  find(versions, added.name) !== undefined
    ? versions
    : [...versions, { ...added, state: versions.length === 0 ? 'active' : 'building' }];

export const withReady = (versions: Versions, name: string): Versions =>
  existing(versions, name).state === 'building' ? withState(versions, name, 'ready') : versions;

export const withActive = (versions: Versions, name: string): Versions => {
  if (existing(versions, name).state === 'active') return versions;
  const before = activeOf(versions);
  const others = before === undefined ? versions : withState(versions, before.name, 'old');
  return withState(others, name, 'active');
};

export const without = (versions: Versions, name: string): Versions => {
  const version = find(versions, name);
  if (version === undefined) return versions;
  if (version.state === 'active') throw conflict('The active version cannot be pruned.', name);
  return versions.filter((other) => other !== version);
};

export const noSuchVersion = (name: string): UnavailableError =>
  new UnavailableError('There is no such version of the read models.', {
    context: { version: name },
  });

const existing = (versions: Versions, name: string): KeyedVersion => {
  const version = find(versions, name);
  if (version !== undefined) return version;
  throw conflict('There is no such version of the read models.', name);
};

const conflict = (message: string, version: string): PortError =>
  new PortError('CONFLICT', message, false, { context: { version } });

const withState = (versions: Versions, name: string, state: VersionRecord['state']): Versions =>
  versions.map((version) => (version.name === name ? { ...version, state } : version));
