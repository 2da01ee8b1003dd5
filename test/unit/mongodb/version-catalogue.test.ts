import { expect } from 'chai';
import {
  activeOf,
  recordOf,
  withActive,
  without,
  withReady,
  withVersion,
  type Versions,
} from '../../../src/adapters/mongodb/version-catalogue.js';
import { PortError } from '../../../src/ports/errors.js';

const version = (name: string) => ({
  name,
  key: `key-of-${name}`,
  group: `${name}-key-of-${name}`,
  logId: 'log-1',
  createdAt: '2026-11-24T10:00:00.000Z',
  fingerprint: 'of this release',
});

const of = (...names: string[]): Versions =>
  names.reduce<Versions>((versions, name) => withVersion(versions, version(name)), []);

const statesOf = (versions: Versions) => versions.map(({ name, state }) => `${name} ${state}`);

describe('the versions of the read models in MongoDB', () => {
  it('are active when first, building when added', () => {
    expect(statesOf(of('v1', 'v2'))).to.deep.equal(['v1 active', 'v2 building']);
  });

  it('are the same object where nothing changes, so that nothing is written', () => {
    const versions = of('v1', 'v2');
    expect(withVersion(versions, { ...version('v1'), logId: 'log-9' })).to.equal(versions);
    expect(withActive(versions, 'v1')).to.equal(versions);
    expect(withReady(versions, 'v1')).to.equal(versions);
    expect(without(versions, 'v9')).to.equal(versions);
  });

  it('have one active, and the previous one is old', () => {
    const promoted = withActive(withReady(of('v1', 'v2', 'v3'), 'v2'), 'v2');
    expect(statesOf(promoted)).to.deep.equal(['v1 old', 'v2 active', 'v3 building']);
    expect(activeOf(promoted)?.name).to.equal('v2');
    expect(statesOf(withActive(promoted, 'v1'))).to.deep.equal([
      'v1 active',
      'v2 old',
      'v3 building',
    ]);
  });

  it('are removed unless active', () => {
    expect(statesOf(without(of('v1', 'v2'), 'v2'))).to.deep.equal(['v1 active']);
    expect(() => without(of('v1'), 'v1'))
      .to.throw(PortError)
      .with.property('code', 'CONFLICT');
  });

  it('cannot be promoted or marked where they do not exist', () => {
    for (const change of [withActive, withReady]) {
      expect(() => change(of('v1'), 'v9'))
        .to.throw(PortError)
        .with.property('code', 'CONFLICT');
    }
  });

  it('keep the group of a release that used only the name', () => {
    const { group, ...before } = { ...version('v1'), state: 'active' as const };
    expect(recordOf(before)).to.include({ name: 'v1', group: 'v1' });
    expect(recordOf({ ...before, group })).to.include({ group: 'v1-key-of-v1' });
  });
});
