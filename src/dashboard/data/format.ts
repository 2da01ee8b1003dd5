/** How numbers and dates read, in the language of the browser. All of it is pure. */

export interface Formats {
  /** A whole number, with separators. */
  readonly count: (value: number | null | undefined) => string;
  /** Shorter from ten thousand on: 12.3K. */
  readonly compact: (value: number | null | undefined) => string;
  /** With at most this many decimals. */
  readonly decimal: (value: number | null | undefined, digits?: number) => string;
  /** Something per second. */
  readonly rate: (value: number | null | undefined) => string;
  /** From 0 to 1, as a percentage. */
  readonly percent: (value: number | null | undefined) => string;
  readonly bytes: (value: number | null | undefined) => string;
  /** Two units at most: 3 h 20 min. */
  readonly duration: (seconds: number | null | undefined) => string;
  /** How long ago an ISO time was. */
  readonly ago: (iso: string, now: number) => string;
  readonly time: (iso: string) => string;
  readonly dateTime: (iso: string) => string;
  /** A UTC day (YYYY-MM-DD), which is never shifted to the day of the browser's time zone. */
  readonly day: (day: string) => string;
}

/** Shown for what is not known. */
const UNKNOWN = '–';

const UNITS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const;

const BYTE_UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

export const createFormats = (locale: string | undefined, timeZone?: string): Formats => {
  const zone = timeZone === undefined ? {} : { timeZone };
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const short = new Intl.NumberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 });
  const parts = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 0 });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' });
  const clock = new Intl.DateTimeFormat(locale, { timeStyle: 'medium', ...zone });
  const full = new Intl.DateTimeFormat(locale, {
    dateStyle: 'medium',
    timeStyle: 'medium',
    ...zone,
  });
  const days = new Intl.DateTimeFormat(locale, {
    day: 'numeric',
    month: 'short',
    timeZone: 'UTC',
  });
  const unit = (name: string, value: number, digits = 0): string =>
    new Intl.NumberFormat(locale, {
      style: 'unit',
      unit: name,
      unitDisplay: 'short',
      maximumFractionDigits: digits,
    }).format(value);
  const known =
    <T>(format: (value: number, more: T) => string) =>
    (value: number | null | undefined, more: T): string =>
      value === null || value === undefined || !Number.isFinite(value)
        ? UNKNOWN
        : format(value, more);
  const decimal = known((value, digits: number | undefined = 1) =>
    value.toLocaleString(locale, { maximumFractionDigits: digits, minimumFractionDigits: digits }),
  );

  return {
    count: (value) => known<undefined>((each) => whole.format(each))(value, undefined),
    compact: (value) =>
      known<undefined>((each) => (Math.abs(each) < 10_000 ? whole : short).format(each))(
        value,
        undefined,
      ),
    decimal: (value, digits) => decimal(value, digits),
    rate: (value) =>
      known<undefined>((each) => (each < 10 ? decimal(each, 1) : whole.format(each)))(
        value,
        undefined,
      ),
    percent: (value) => known<undefined>((each) => parts.format(each))(value, undefined),
    bytes: (value) =>
      known<undefined>((each) => {
        const power = Math.min(
          BYTE_UNITS.length - 1,
          each < 1 ? 0 : Math.floor(Math.log10(each) / 3),
        );
        return unit(BYTE_UNITS[power] ?? 'byte', each / 1000 ** power, power === 0 ? 0 : 1);
      })(value, undefined),
    duration: (value) =>
      known<undefined>((seconds) => {
        if (seconds < 10) return unit('second', seconds, 1);
        const first = UNITS.findIndex(([, size]) => seconds >= size);
        const [name, size] = UNITS[first] ?? UNITS[3];
        const rest = seconds % size;
        const next = UNITS[first + 1];
        const more = next === undefined ? 0 : Math.floor(rest / next[1]);
        const head = unit(name, Math.floor(seconds / size));
        return next === undefined || more === 0 ? head : `${head} ${unit(next[0], more)}`;
      })(value, undefined),
    ago: (iso, now) => {
      const seconds = Math.round((Date.parse(iso) - now) / 1000);
      if (!Number.isFinite(seconds)) return UNKNOWN;
      const [name, size] = UNITS.find(([, each]) => Math.abs(seconds) >= each) ?? UNITS[3];
      return relative.format(Math.trunc(seconds / size), name);
    },
    time: (iso) => dateOr(iso, clock),
    dateTime: (iso) => dateOr(iso, full),
    day: (day) => dateOr(`${day}T00:00:00Z`, days),
  };
};

const dateOr = (iso: string, format: Intl.DateTimeFormat): string => {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? UNKNOWN : format.format(date);
};
