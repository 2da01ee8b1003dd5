import { expect } from 'chai';
import { storedRecordOf } from '../../src/adapters/mongodb/stored-versions.js';
import {
  findActiveVersion,
  readableVersion,
  withActive,
  withoutVersion,
  withReady,
  withVersion,
} from '../../src/adapters/read-store/version-rules.js';
import { OtherFingerprintError, PortError } from '../../src/ports/errors.js';
import type { VersionRecord } from '../../src/ports/read-store.js';

const OURS = 'of this release';

const version = (name: string): Omit<VersionRecord, 'state'> => ({
  name,
  group: `${name}-of-this-store`,
  logId: 'log-1',
  createdAt: '2026-11-24T10:00:00.000Z',
  fingerprint: OURS,
});

type Versions = readonly VersionRecord[];

const add = (versions: Versions, name: string, given: Partial<VersionRecord> = {}): Versions =>
  withVersion(versions, name, (state) => ({ ...version(name), ...given, state }));

const of = (...names: string[]): Versions =>
  names.reduce<Versions>((versions, name) => add(versions, name), []);

const statesOf = (versions: Versions) => versions.map(({ name, state }) => `${name} ${state}`);

describe('the versions of a read store', () => {
  it('are active when first, building when added', () => {
    expect(statesOf(of('v1', 'v2'))).to.deep.equal(['v1 active', 'v2 building']);
  });

  it('are the very same list where nothing changes, so that nothing is written', () => {
    const versions = of('v1', 'v2');
    expect(add(versions, 'v1', { logId: 'log-9' })).to.equal(versions);
    expect(withActive(versions, 'v1', OURS)).to.equal(versions);
    expect(withReady(versions, 'v1')).to.equal(versions);
    expect(withoutVersion(versions, 'v9')).to.equal(versions);
  });

  it('have one active, and the one before it is old', () => {
    const promoted = withActive(withReady(of('v1', 'v2', 'v3'), 'v2'), 'v2', OURS);
    expect(statesOf(promoted)).to.deep.equal(['v1 old', 'v2 active', 'v3 building']);
    expect(findActiveVersion(promoted)?.name).to.equal('v2');
    expect(statesOf(withActive(promoted, 'v1', OURS))).to.deep.equal([
      'v1 active',
      'v2 old',
      'v3 building',
    ]);
  });

  it('are removed unless active', () => {
    expect(statesOf(withoutVersion(of('v1', 'v2'), 'v2'))).to.deep.equal(['v1 active']);
    expect(() => withoutVersion(of('v1'), 'v1'))
      .to.throw(PortError)
      .and.include({ code: 'REFUSED', retriable: false });
  });

  it('cannot be promoted, marked or read where they are missing', () => {
    const changes = [
      () => withActive(of('v1'), 'v9', OURS),
      () => withReady(of('v1'), 'v9'),
      () => readableVersion(of('v1'), 'v9', OURS),
    ];
    for (const change of changes) {
      expect(change).to.throw(PortError).and.include({ code: 'NOT_FOUND', retriable: false });
    }
  });

  it('can be neither promoted nor read by a release with another fingerprint', () => {
    expect(() => withActive(of('v1', 'v2'), 'v2', 'another')).to.throw(OtherFingerprintError);
    expect(() => readableVersion(of('v1'), 'v1', 'another')).to.throw(OtherFingerprintError);
  });

  it('keep the group of a release that named it by the version alone', () => {
    const { group, ...before } = { ...version('v1'), state: 'active' as const };
    expect(storedRecordOf(before)).to.include({ name: 'v1', group: 'v1' });
    expect(storedRecordOf({ ...before, group })).to.include({ group: 'v1-of-this-store' });
  });
});
