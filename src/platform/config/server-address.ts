/*
 * Parses connection strings strictly: an unencoded special character in a password could turn a piece
 * of it into the host, the database or a setting, which messages show.
 */
const PORT = String.raw`(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])`;
const HOST = String.raw`(?:[\p{L}\p{N}._%-]+|\[[\dA-Fa-f:.]+\])(?::${PORT})?`;
const HOSTS = `${HOST}(?:,${HOST})*`;

const EVENT_STORE = new RegExp(
  String.raw`^(?:esdb|kurrent(?:db)?)(?:\+discover)?://(?:[^\s:@?]+:[^\s:@?]+@)?${HOSTS}/*(?:\?[^@]*)?$`,
  'u',
);
const MONGODB = new RegExp(
  String.raw`^mongodb(?:\+srv)?://(?:[^\s:/?#[\]@]+(?::[^\s:/?#[\]@]*)?@)?${HOSTS}(?:/[^\s/@?]*)?(?:\?[^@]*)?$`,
  'u',
);

/** Whether a connection string of an EventStoreDB or KurrentDB server can be read in one way only. */
export const isEventStoreAddress = (text: string): boolean =>
  EVENT_STORE.test(text) && isDecodable(text);

/** Whether a connection string of a MongoDB server can be read in one way only. */
export const isMongodbAddress = (text: string): boolean => MONGODB.test(text) && isDecodable(text);

/** A literal per cent sign must be encoded, too. */
const isDecodable = (text: string): boolean => {
  try {
    decodeURIComponent(text.replace(/\?.*/s, ''));
    return true;
  } catch {
    return false;
  }
};

/** The longest time of a Node timer; a longer one fires at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

const NUMERIC_SETTING =
  /(?:ms|timeout|deadline|interval|attempts|poolsize|buffersize|compressionlevel|srvmaxhosts|maxconnecting|stalenessseconds|adaptiveretries|proxyport)$/i;

/**
 * The first setting whose number a driver would misread: 25s as 25, 1e3 as 1, and any time that no
 * timer can hold as none.
 */
export const unusableNumberIn = (address: string): string | undefined =>
  [...address.matchAll(/[?&]([^=&?]+)=([^&?]*)/g)].find(
    ([, name = '', value = '']) =>
      NUMERIC_SETTING.test(name.replace(/[_\-\s]/g, '')) &&
      !(/^\s*-?\d+\s*$/.test(value) && Number(value) <= MAX_TIMER_MS),
  )?.[1];

/** With 0 no call could be answered in time; elsewhere in an address 0 turns something off. */
const NO_ZERO = /[?&](defaultdeadline|gossiptimeout|serverselectiontimeoutms)=\s*0+\s*(?:&|$)/i;

/** The first setting whose time may not be 0. */
export const zeroTimeIn = (address: string): string | undefined => NO_ZERO.exec(address)?.[1];

const CONNECTION_STRING = /^([a-z]+(?:\+[a-z]+)?:\/\/)(?:([^/?#]*)@)?([^@/?#]*)([/?#][^@]*)?$/i;
const SHOWN_HOSTS = new RegExp(`^${HOSTS}$`, 'u');

/** The scheme and the hosts of an address, or stars alone where they cannot be told from a password. */
export const withoutSecrets = (address: string): string => {
  const [, scheme = '', credentials, hosts = '', settings] = CONNECTION_STRING.exec(address) ?? [];
  if (!SHOWN_HOSTS.test(hosts)) return '***';
  const hidden = credentials === undefined ? '' : '***@';
  return `${scheme}${hidden}${hosts}${settings === undefined ? '' : '/***'}`;
};

/** The scheme and the hosts alone. */
export const hostsOf = (address: string): string => {
  const [, scheme = '', , hosts = ''] = CONNECTION_STRING.exec(address.trim()) ?? [];
  return SHOWN_HOSTS.test(hosts) ? `${scheme}${hosts}` : '***';
};
