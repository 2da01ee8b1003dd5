import { isIP } from 'node:net';
import convict from 'convict';
import express from 'express';
import {
  isEventStoreAddress,
  isMongodbAddress,
  MAX_TIMER_MS,
  unusableNumberIn,
  zeroTimeIn,
} from './server-settings.js';

const assertFormat = (holds: boolean, expectation: string): void => {
  if (!holds) throw new Error(expectation);
};

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** Commas and spaces alone become one empty item, which is refused: they must not count as no list. */
const listOf = (text: string): string[] => {
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  return items.length === 0 && text !== '' ? [''] : items;
};

const BROKER_ADDRESS = /^(?:[^\s:/@]+|\[[\da-f:.]+\]):(\d{1,5})$/i;

const isAddress = (value: unknown): boolean => {
  const port = Number(typeof value === 'string' ? BROKER_ADDRESS.exec(value)?.[1] : undefined);
  return port >= 1 && port <= 65_535;
};

const isHost = (value: unknown): boolean =>
  typeof value === 'string' && /^\.?[\w-]+(?:\.[\w-]+)*$/.test(value);

/** As a browser sends it: with a path or a closing slash it would match no page. */
const isOrigin = (value: unknown): boolean => {
  if (typeof value !== 'string' || !/^[a-z][a-z\d+.-]*:\/\/[^\s/?#@]+$/.test(value)) return false;
  return /^https?:/.test(value) ? URL.canParse(value) && new URL(value).origin === value : true;
};

const isPage = (text: string): boolean => /^https?:\/\//.test(text) && URL.canParse(text);

const HIGHEST = 2 ** 31 - 1;
/** Far enough below MAX_TIMER_MS for timers that add to a setting. */
const MAX_SETTING_MS = 24 * 60 * 60 * 1000;

/** Convict's own number formats accept a prefix: they read 10.0.0.0/8 as 10 and 1e3 as 1. */
const integerFormat = (lowest: number, highest: number, unit = '', note = '') => ({
  coerce: (value: unknown) =>
    typeof value === 'string' && /^\s*\d+\s*$/.test(value) ? Number(value) : value,
  validate: (value: unknown) => {
    const range = `a whole number${unit} from ${lowest} to ${highest}${note}, digits only`;
    assertFormat(value !== '', `is empty; give ${range}, or leave it out for the default`);
    const ok = Number.isInteger(value) && Number(value) >= lowest && Number(value) <= highest;
    assertFormat(ok, `must be ${range}`);
  },
});

const millisecondsFormat = (lowest: number) =>
  integerFormat(lowest, MAX_SETTING_MS, ' of milliseconds', ' (24 hours)');

const SWITCH = new Map([
  ...['true', '1', 'yes', 'on'].map((word) => [word, true] as const),
  ...['false', '0', 'no', 'off'].map((word) => [word, false] as const),
]);

const switched = (value: unknown): unknown =>
  typeof value === 'string' ? (SWITCH.get(value.trim().toLowerCase()) ?? value) : value;

/** The number of proxies, all, none or their addresses, as Express's `trust proxy` takes it. */
const trusted = (value: unknown): unknown => {
  if (typeof value !== 'string' || value === '') return value;
  if (/^\s*\d+\s*$/.test(value)) return Number(value);
  const all = switched(value);
  // Zero instead of false, of which express-rate-limit complains.
  return all === false ? 0 : all === true ? true : listOf(value);
};

const PROXY_NAMES = ['loopback', 'linklocal', 'uniquelocal'];

const isTrusted = (value: unknown): boolean => {
  if (!Array.isArray(value)) {
    return value === true || (Number.isSafeInteger(value) && Number(value) >= 0);
  }
  const proxies = value.map(String);
  // Express would also accept short addresses: 10.8 as 10.0.0.8.
  const ok = proxies.every((one) => PROXY_NAMES.includes(one) || isIP(one.replace(/\/.*/, '')) > 0);
  if (!ok || proxies.length === 0) return false;
  try {
    express().set('trust proxy', proxies);
    return true;
  } catch {
    return false;
  }
};

const address = (isAddressOf: (text: string) => boolean, example: string) => ({
  coerce: (value: unknown) => (typeof value === 'string' ? value.trim() : value),
  validate: (value: unknown) => {
    assertFormat(
      value === '' || (typeof value === 'string' && isAddressOf(value)),
      `must be empty or look like ${example}, with special characters of the password percent-encoded`,
    );
    const unusable = unusableNumberIn(String(value));
    assertFormat(
      unusable === undefined,
      `needs a whole number for ${unusable}, digits only, at most ${MAX_TIMER_MS}`,
    );
    const zero = zeroTimeIn(String(value));
    assertFormat(zero === undefined, `needs more than 0 milliseconds for ${zero}`);
  },
});

const named = (names: RegExp, expectation: string) => ({
  validate: (value: unknown) => {
    assertFormat(typeof value === 'string' && names.test(value), `must be ${expectation}`);
  },
});

const DATABASE_NAME = /^(?!(?:admin|local|config)$)[^\p{Cc}/\\. "$*<>:|?]+$/iu;
const MAX_DATABASE_BYTES = 63;

const listFormat = (isEntry: (entry: unknown) => boolean, ofWhat = '') => ({
  coerce: (value: unknown) => (typeof value === 'string' ? listOf(value) : value),
  validate: (value: unknown) => {
    const ok = Array.isArray(value) && value.every((entry) => isEntry(entry));
    assertFormat(ok, `must be a comma separated list${ofWhat}`);
  },
});

convict.addFormats({
  text: {
    validate: (value: unknown) => {
      assertFormat(isText(value), 'must be a text that is not empty');
    },
  },
  // Kafka allows 249; the topic of the dead letters adds .dlq.
  'kafka-topic': named(/^(?!\.{1,2}$)[\w.-]{1,245}$/, '1 to 245 letters, digits and . _ -'),
  'kafka-group': named(/^[^\p{Cc}]{1,200}$/u, '1 to 200 characters without control characters'),
  'mongodb-database': {
    validate: (value: unknown) => {
      const isName = typeof value === 'string' && DATABASE_NAME.test(value);
      assertFormat(
        isName && Buffer.byteLength(value) <= MAX_DATABASE_BYTES,
        `must be 1 to ${MAX_DATABASE_BYTES} bytes without spaces and / \\ . " $ * < > : | ?, and not admin, local or config`,
      );
    },
  },
  // `boolean`, `nat` and `port` replace convict's own.
  boolean: {
    coerce: switched,
    validate: (value: unknown) => {
      const words = 'true or false (or 1, 0, yes, no, on, off)';
      assertFormat(value !== '', `is empty; give ${words}, or leave it out for the default`);
      assertFormat(typeof value === 'boolean', `must be ${words}`);
    },
  },
  nat: integerFormat(0, HIGHEST),
  port: integerFormat(0, 65_535),
  positive: integerFormat(1, HIGHEST),
  milliseconds: millisecondsFormat(0),
  'positive-milliseconds': millisecondsFormat(1),
  'remembered-keys': integerFormat(1000, 4096),
  'trusted-proxies': {
    coerce: trusted,
    validate: (value: unknown) => {
      assertFormat(
        isTrusted(value),
        'must be the number of proxies, or true, false, or a comma separated list of addresses, ranges like 10.0.0.0/8, loopback, linklocal and uniquelocal',
      );
    },
  },
  list: listFormat(isText),
  origin: {
    coerce: (value: unknown) => (typeof value === 'string' ? value.trim() : value),
    validate: (value: unknown) => {
      const ok = value === '' || (isOrigin(value) && /^https?:/.test(String(value)));
      assertFormat(ok, 'must be empty or an origin such as https://example.com, without a path');
    },
  },
  origins: listFormat(
    (origin) => origin === '*' || isOrigin(origin),
    ' of origins such as https://example.com, or *',
  ),
  hosts: listFormat(
    (host) => host === '*' || isHost(host),
    ' of hosts such as example.com, without ports, or *',
  ),
  addresses: listFormat(isAddress, ' of host:port'),
  'page-url': address(isPage, 'https://host:2113'),
  'mongodb-url': address(isMongodbAddress, 'mongodb://user:password@host:27017'),
  'event-store-url': address(isEventStoreAddress, 'esdb://user:password@host:2113'),
});
