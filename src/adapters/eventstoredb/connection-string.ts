import type { ConnectionOptions } from '@eventstore/db-client/dist/Client/parseConnectionString.js';
import { parseConnectionString } from '@eventstore/db-client/dist/Client/parseConnectionString.js';
import { readFileSync } from 'node:fs';
import type { Endpoint } from '../../platform/probe.js';
import { unusableNumberIn, isEventStoreAddress } from '../../platform/config/server-address.js';

export interface Address {
  readonly options: ConnectionOptions;
  /** Hosts without credentials or settings, safe to log. */
  readonly shown: string;
}

const KNOWN_SETTINGS = new Set([
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

/**
 * Parses `esdb://` and `esdb+discover://`, also under KurrentDB's names. The client's own parser
 * prints the whole string, including the password, for an unknown setting: so such settings are
 * refused here first, by name.
 */
export const parseAddress = (connectionString: string): Address => {
  const address = connectionString.trim();
  if (!isEventStoreAddress(address)) throw unreadableAddress();
  const asEsdb = address.replace(/^kurrent(db)?(?=(\+discover)?:\/\/)/, 'esdb');
  const [place = '', ...query] = asEsdb.split('?');
  const settings = query.flatMap((part) => part.split('&')).filter((part) => part !== '');
  const unknown = settings.find((setting) => !KNOWN_SETTINGS.has(settingName(setting)));
  if (unknown !== undefined) {
    const [name] = unknown.split('=');
    throw new Error(`The event store's connection string has an unknown setting: ${name}.`);
  }
  const cut = unusableNumberIn(address);
  if (cut !== undefined) {
    throw new Error(`The event store's connection string needs a whole number for ${cut}.`);
  }
  const kept = settings.filter((setting) => settingName(setting) !== 'tlsverifycert');
  const options = parseOrRefuse(kept.length === 0 ? place : `${place}?${kept.join('&')}`);
  refuseUnsafeSettings(options, settings);
  const scheme = options.dnsDiscover ? 'esdb+discover' : 'esdb';
  const hosts = options.hosts.map(({ address, port }) => `${address}:${port}`);
  return { options, shown: `${scheme}://${hosts.join(',')}` };
};

/** The hosts in the string, including those used for cluster discovery. */
export const eventStoreEndpoints = (connectionString: string): readonly Endpoint[] => {
  const { hosts, tls, tlsCAFile } = parseAddress(connectionString).options;
  const ca = tlsCAFile === undefined ? {} : { ca: readFileSync(tlsCAFile) };
  return hosts.map(({ address: host, port }) => ({
    host,
    port,
    hello: HTTP2_PREFACE,
    ...(tls === false ? {} : { tls: ca }),
  }));
};

/** With an empty SETTINGS frame, to which a server responds with its own. */
const HTTP2_PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);

const settingName = (setting: string): string =>
  setting.replace(/=.*$/s, '').trim().toLowerCase().replace(/[_-]/g, '');

const refuseUnsafeSettings = (options: ConnectionOptions, settings: readonly string[]): void => {
  const unverified = settings.some(
    (one) => settingName(one) === 'tlsverifycert' && /=\s*false\s*$/.test(one),
  );
  if (unverified && options.tls !== false) {
    throw new Error(
      'tlsVerifyCert=false is not supported: name the certificate authority with tlsCAFile.',
    );
  }
  if (options.keepAliveInterval === -1 || options.keepAliveTimeout === -1) {
    throw new Error('Keep-alive must stay on: without it a dead connection is never detected.');
  }
};

const parseOrRefuse = (connectionString: string): ConnectionOptions => {
  try {
    return parseConnectionString(connectionString);
  } catch {
    // The error of the parser contains the string.
    throw unreadableAddress();
  }
};

const unreadableAddress = (): Error =>
  new Error(
    "The event store's connection string cannot be read. It looks like esdb://user:password@host:2113?tls=true, with special characters of the password percent-encoded.",
  );
