/** How old an interaction may be when it is received: a client that was offline sends it later. */
export const MAX_AGE_DAYS = 7;
/** How far ahead of ours a client's clock may be. */
export const MAX_AHEAD_MINUTES = 5;

export const MINUTE_MS = 60_000;
export const DAY_MS = 24 * 60 * MINUTE_MS;

/** A time in ISO 8601 with an offset, as RFC 3339 writes it. */
export const TIME_PATTERN =
  '^[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3])(?::[0-5][0-9]){2}(?:\\.[0-9]{1,9})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$';

const TIME = new RegExp(TIME_PATTERN);

/** The time in UTC and in whole milliseconds; undefined for anything but a time with an offset. */
export const utcOf = (value: unknown): string | undefined => {
  if (typeof value !== 'string' || !TIME.test(value) || !isDate(value)) return undefined;
  const time = new Date(value);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
};

/** Whether the calendar has the day: `Date` takes 30 February for 2 March. */
const isDate = (value: string): boolean => {
  const day = value.slice(0, 10);
  const time = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(day);
};

/** Whether something that was received at one time may have happened at another, both in UTC. */
export const isTimely = (occurredAt: string, receivedAt: string): boolean => {
  if (occurredAt === receivedAt) return true;
  const ageMs = Date.parse(receivedAt) - Date.parse(occurredAt);
  return ageMs <= MAX_AGE_DAYS * DAY_MS && ageMs >= -MAX_AHEAD_MINUTES * MINUTE_MS;
};

/** The later of two times in UTC, whose seconds may have fractions of different lengths. */
export const laterOf = (a: string | null, b: string): string =>
  a === null || a.slice(0, -1) < b.slice(0, -1) ? b : a;
