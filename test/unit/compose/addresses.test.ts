import { expect } from 'chai';
import { type Addresses, otherParts } from '../../../src/compose/addresses.js';

const DEVELOPMENT = { env: 'development', host: '127.0.0.1', commandUrl: '' } as const;
const ALL: Addresses = {
  commands: 'http://127.0.0.1:8000',
  queries: 'http://127.0.0.1:8001',
  eventStorePage: 'http://127.0.0.1:2113',
};

const hrefs = (...args: Parameters<typeof otherParts>): string[] =>
  otherParts(...args)().map(({ href }) => href);

describe('the links from one role to the others', () => {
  it('name each other open role of this process', () => {
    const seen = { config: DEVELOPMENT, addresses: ALL };
    expect(hrefs(seen, 'commands')).to.deep.equal([
      'http://127.0.0.1:8001/',
      'http://127.0.0.1:2113/',
    ]);
    expect(hrefs(seen, 'eventStorePage')).to.deep.equal([
      'http://127.0.0.1:8000/',
      'http://127.0.0.1:8001/',
    ]);
  });

  it('are read on each request, because parts open one by one', () => {
    const addresses: Addresses = {};
    const links = otherParts({ config: DEVELOPMENT, addresses }, 'commands');
    expect(links()).to.deep.equal([]);
    addresses.queries = 'http://127.0.0.1:8001';
    expect(links().map(({ name }) => name)).to.deep.equal(['Dashboard']);
  });

  it('name the command API of another process by COMMAND_URL, in production too', () => {
    const commandUrl = 'https://commands.example';
    for (const config of [DEVELOPMENT, { ...DEVELOPMENT, env: 'production' }] as const) {
      const seen = { config: { ...config, commandUrl }, addresses: {} };
      expect(hrefs(seen, 'queries')).to.deep.equal([`${commandUrl}/`]);
    }
  });

  for (const [what, config] of [
    ['in production', { ...DEVELOPMENT, env: 'production' }],
    ['on all addresses of IPv4', { ...DEVELOPMENT, host: '0.0.0.0' }],
    ['on all addresses of IPv6', { ...DEVELOPMENT, host: '::' }],
  ] as const) {
    it(`are omitted ${what}, where a browser could not follow them`, () => {
      expect(hrefs({ config, addresses: ALL }, 'commands')).to.deep.equal([]);
    });
  }
});
