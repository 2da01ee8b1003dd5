import { OtherFingerprintError, PortError } from '../../ports/errors.js';
import type { VersionRecord, VersionState } from '../../ports/read-store.js';

/**
 * The rules RS-13 to RS-17 for every read store, as functions over all its versions, oldest first.
 * A change without effect returns the same list, so that nothing needs to be written.
 */

export const findActiveVersion = <V extends VersionRecord>(versions: readonly V[]): V | undefined =>
  versions.find(({ state }) => state === 'active');

export const findVersion = <V extends VersionRecord>(
  versions: readonly V[],
  name: string,
): V | undefined => versions.find((version) => version.name === name);

export const existingVersion = <V extends VersionRecord>(
  versions: readonly V[],
  name: string,
): V => {
  const version = findVersion(versions, name);
  if (version !== undefined) return version;
  throw new PortError('NOT_FOUND', `There is no version ${name} of the read models.`, false, {
    context: { version: name },
  });
};

/** The version, if its documents have the given fingerprint. */
export const readableVersion = <V extends VersionRecord>(
  versions: readonly V[],
  name: string,
  fingerprint: string,
): V => {
  const version = existingVersion(versions, name);
  if (version.fingerprint !== fingerprint) throw new OtherFingerprintError(name);
  return version;
};

export const withVersion = <V extends VersionRecord>(
  versions: readonly V[],
  name: string,
  create: (state: VersionState) => V,
): readonly V[] =>
  findVersion(versions, name) === undefined
    ? [...versions, create(versions.length === 0 ? 'active' : 'building')]
    : versions;

export const withReady = <V extends VersionRecord>(
  versions: readonly V[],
  name: string,
): readonly V[] =>
  existingVersion(versions, name).state === 'building'
    ? inState(versions, name, 'ready')
    : versions;

export const withActive = <V extends VersionRecord>(
  versions: readonly V[],
  name: string,
  fingerprint: string,
): readonly V[] => {
  if (readableVersion(versions, name, fingerprint).state === 'active') return versions;
  const before = findActiveVersion(versions);
  const others = before === undefined ? versions : inState(versions, before.name, 'old');
  return inState(others, name, 'active');
};

export const withoutVersion = <V extends VersionRecord>(
  versions: readonly V[],
  name: string,
): readonly V[] => {
  const version = findVersion(versions, name);
  if (version === undefined) return versions;
  if (version.state === 'active') {
    throw new PortError('REFUSED', 'The active version cannot be pruned.', false, {
      context: { version: name },
    });
  }
  return versions.filter((other) => other !== version);
};

const inState = <V extends VersionRecord>(
  versions: readonly V[],
  name: string,
  state: VersionState,
): readonly V[] =>
  versions.map((version) => (version.name === name ? { ...version, state } : version));
