import convict from 'convict';

const check = (holds: boolean, expectation: string): void => {
  if (!holds) throw new Error(expectation);
};

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

const listOf = (text: string): string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

const ADDRESS = /^(?:[^\s:/@]+|\[[\da-f:.]+\]):(\d{1,5})$/i;

const isAddress = (value: unknown): boolean => {
  const port = Number(typeof value === 'string' ? ADDRESS.exec(value)?.[1] : undefined);
  return port >= 1 && port <= 65_535;
};

/** As a browser sends it: anything else, such as a path or a closing slash, would match no page. */
const isOrigin = (value: unknown): boolean => {
  if (typeof value !== 'string' || !/^[a-z][a-z\d+.-]*:\/\/[^\s/?#@]+$/.test(value)) return false;
  return /^https?:/.test(value) ? URL.canParse(value) && new URL(value).origin === value : true;
};

convict.addFormats({
  text: {
    validate: (value: unknown) => {
      check(isText(value), 'must be a text that is not empty');
    },
  },
  positive: {
    coerce: Number,
    validate: (value: unknown) => {
      check(Number.isInteger(value) && (value as number) > 0, 'must be a whole number above 0');
    },
  },
  'remembered-keys': {
    coerce: Number,
    validate: (value: unknown) => {
      const ok = Number.isInteger(value) && (value as number) >= 1000 && (value as number) <= 4096;
      check(ok, 'must be a whole number from 1000 to 4096');
    },
  },
  list: {
    coerce: (value: unknown) => (typeof value === 'string' ? listOf(value) : value),
    validate: (value: unknown) => {
      check(Array.isArray(value) && value.every(isText), 'must be a comma separated list');
    },
  },
  origins: {
    coerce: (value: unknown) => (typeof value === 'string' ? listOf(value) : value),
    validate: (value: unknown) => {
      const ok =
        Array.isArray(value) && value.every((origin) => origin === '*' || isOrigin(origin));
      check(ok, 'must be a comma separated list of origins such as https://example.com, or *');
    },
  },
  brokers: {
    coerce: (value: unknown) => (typeof value === 'string' ? listOf(value) : value),
    validate: (value: unknown) => {
      const ok = Array.isArray(value) && value.every((broker) => isAddress(broker));
      check(ok, 'must be a comma separated list of host:port');
    },
  },
  'mongodb-url': {
    validate: (value: unknown) => {
      const ok = typeof value === 'string' && /^($|mongodb(\+srv)?:\/\/.)/.test(value);
      check(ok, 'must be empty or begin with mongodb:// or mongodb+srv://');
    },
  },
  'event-store-url': {
    validate: (value: unknown) => {
      const ok =
        typeof value === 'string' && /^($|(esdb|kurrentdb)(\+discover)?:\/\/.)/.test(value);
      check(ok, 'must be empty or begin with esdb:// or esdb+discover://');
    },
  },
});
