import type { ConnectionOptions } from '@eventstore/db-client/dist/Client/parseConnectionString.js';
import { parseConnectionString } from '@eventstore/db-client/dist/Client/parseConnectionString.js';

export interface Address {
  readonly options: ConnectionOptions;
  /** Hosts without credentials or settings: what may be logged. */
  readonly shown: string;
}

const SETTINGS = new Set([
  'connectionname',
  'defaultdeadline',
  'discoveryinterval',
  'gossiptimeout',
  'keepaliveinterval',
  'keepalivetimeout',
  'maxdiscoverattempts',
  'nodepreference',
  'throwonappendfailure',
  'tls',
  'tlscafile',
  'tlsverifycert',
  'usercertfile',
  'userkeyfile',
]);

const flat = (key: string) => key.trim().toLowerCase().replace(/[_-]/g, '');

/**
 * Reads `esdb://` and `esdb+discover://`, also under KurrentDB's names. The client's own parser
 * prints the whole string, password included, when it does not know a setting: so what it would
 * print is refused here first, by name.
 */
export const parseAddress = (connectionString: string): Address => {
  const asEsdb = connectionString.trim().replace(/^kurrent(db)?(?=(\+discover)?:\/\/)/, 'esdb');
  const query = asEsdb.split('?').slice(1).join('&');
  for (const setting of query.split('&').filter((one) => one !== '')) {
    const [key = '', value = ''] = setting.split('=');
    if (!SETTINGS.has(flat(key))) {
      throw new Error(`The event store's connection string has an unknown setting: ${key}.`);
    }
    if (flat(key) === 'tlsverifycert' && value.trim() === 'false') {
      throw new Error(
        'tlsVerifyCert=false is not supported: name the certificate authority with tlsCAFile.',
      );
    }
  }
  const options = parsed(asEsdb);
  if (options.keepAliveInterval === -1 || options.keepAliveTimeout === -1) {
    throw new Error('Keep-alive must stay on: without it a dead connection is never noticed.');
  }
  const scheme = options.dnsDiscover ? 'esdb+discover' : 'esdb';
  const hosts = options.hosts.map(({ address, port }) => `${address}:${port}`);
  return { options, shown: `${scheme}://${hosts.join(',')}` };
};

const parsed = (connectionString: string): ConnectionOptions => {
  try {
    return parseConnectionString(connectionString);
  } catch {
    // The parser's error carries the string.
    throw new Error(
      "The event store's connection string cannot be read. It looks like esdb://user:password@host:2113?tls=true, with special characters of the password percent-encoded.",
    );
  }
};
