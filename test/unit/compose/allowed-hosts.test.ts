import { expect } from 'chai';
import { allowedHosts } from '../../../src/compose/roles.js';
import { loadConfig } from '../../../src/platform/config/config.js';

describe('the hosts that requests may name', () => {
  for (const [name, environment, expected] of [
    ['are those of the loopback without keys', {}, ['127.0.0.1']],
    ['are that of HOST where it is a name of the loopback', { HOST: 'localhost' }, ['localhost']],
    ['are any with keys', { API_KEYS: 'a-key' }, undefined],
    ['are any behind a proxy, which forwards names that it knows', { TRUST_PROXY: '1' }, undefined],
    ['are any beyond the loopback', { HOST: '0.0.0.0' }, undefined],
    [
      'are those that are given',
      { ALLOWED_HOSTS: 'a.example, .b' },
      ['a.example', '.b', '127.0.0.1'],
    ],
    [
      'are those that are given beyond the loopback and with keys, too',
      { ALLOWED_HOSTS: 'a', HOST: '0.0.0.0', API_KEYS: 'a-key' },
      ['a', '0.0.0.0'],
    ],
    ['are any where * is given', { ALLOWED_HOSTS: 'a,*' }, undefined],
  ] as const) {
    it(name, () => {
      expect(allowedHosts(loadConfig(environment))).to.deep.equal(expected);
    });
  }
});
