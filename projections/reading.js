// How a projection reads the events of an anime's stream.
//
// The engine knows no imports, so `projections deploy` puts this text behind each projection.
// It accepts what src/wire/upcast.ts accepts, in every schema version, and nothing else: a test
// holds the two together. Nothing here throws, because an error stops a projection until somebody
// starts it again. That is why the text of an event is parsed here: the engine's own `event.data`
// fails on JSON that is no object, in a way that no projection can catch.

/** The anime of a stream, or null where the stream is not that of an anime. */
function animeIdOf(streamId) {
  const match = /^anime-([1-9][0-9]{0,9})$/.exec(streamId);
  const id = match === null ? NaN : Number(match[1]);
  return id <= 2147483647 ? id : null;
}

/** Deletions and metadata say nothing about an anime, and are numbered unlike its events. */
function isSystemEvent(event) {
  return event.eventType.charAt(0) === '$';
}

/** A click, view or rating in today's form, its rating in whole hundredths; null for all else. */
function interactionOf(event) {
  const type = event.eventType;
  if (type !== 'ClickRegistered' && type !== 'ViewRegistered' && type !== 'RatingGiven')
    return null;
  const animeId = animeIdOf(event.streamId);
  const stored = objectIn(event.bodyRaw);
  if (animeId === null || stored === null) return null;
  const unversioned = stored.schemaVersion === undefined || stored.schemaVersion === null;
  const version = unversioned ? 1 : stored.schemaVersion;
  if (typeof version !== 'number' || (version > 2 && version !== 3)) return null;
  const data = version < 2 ? fromVersion1(stored) : stored;
  const userId = version === 3 ? standInIn(stored.subject) : data.userId;
  if (version !== 3 && !isUserId(userId)) return null;
  if (userId === null || data.animeId !== animeId || !isUtcTime(data.occurredAt)) return null;
  if (type === 'ViewRegistered' && !isDuration(data.durationSeconds)) return null;
  if (type === 'RatingGiven' && !isRating(data.rating)) return null;
  return {
    type: type,
    animeId: animeId,
    userId: userId,
    occurredAt: data.occurredAt,
    seconds: type === 'ViewRegistered' ? data.durationSeconds : 0,
    hundredths: type === 'RatingGiven' ? hundredthsOf(data.rating) : null,
  };
}

/** Version 1 is snake_case, its times have any offset or none, and it does not say its version. */
function fromVersion1(stored) {
  return {
    animeId: stored.anime_id,
    userId: stored.user_id,
    durationSeconds: stored.duration_seconds,
    rating: stored.rating,
    occurredAt: inUtc(stored.occurred_at),
  };
}

/** Version 3 names no user, but a subject: with a control character before it, it is no user id. */
function standInIn(subject) {
  return typeof subject === 'string' && /^[A-Za-z0-9_-]{22}$/.test(subject)
    ? '\u001a' + subject
    : null;
}

function inUtc(value) {
  if (typeof value !== 'string') return value;
  const time = new Date(/(Z|[+-]\d\d:\d\d)$/.test(value) ? value : value + 'Z');
  return isNaN(time.getTime()) ? value : time.toISOString();
}

function isUtcTime(value) {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(value);
}

function isUserId(value) {
  return (
    typeof value === 'string' &&
    charactersIn(value) <= 128 &&
    value.trim() !== '' &&
    !/[\u0000-\u001f\u007f-\u009f]/.test(value) &&
    isWellFormed(value)
  );
}

function charactersIn(text) {
  return text.replace(/[\ud800-\udbff][\udc00-\udfff]/g, '-').length;
}

function isWellFormed(text) {
  try {
    encodeURIComponent(text);
    return true;
  } catch (error) {
    return false;
  }
}

function isDuration(value) {
  return (
    typeof value === 'number' &&
    Math.floor(value) === value &&
    value >= 0 &&
    value <= 2147483647 &&
    1 / value > 0
  );
}

function isRating(value) {
  return typeof value === 'number' && value >= 1 && value <= 10;
}

/** Halves up, of the decimal form: arithmetic would make 100 of 1.005. */
function hundredthsOf(rating) {
  const product = Math.round(rating * 100);
  if (product / 100 === rating) return product;
  const parts = String(rating).split('.');
  return Number(parts[0] + parts[1].slice(0, 2)) + (parts[1].charAt(2) >= '5' ? 1 : 0);
}

/** A sum of seconds ends where a number is no longer exact. */
function addSeconds(sum, seconds) {
  return Math.min(sum + seconds, 9007199254740991);
}

/** The JSON object that a text holds, or null; an array is an object without our fields. */
function objectIn(text) {
  try {
    const parsed = JSON.parse(text);
    return typeof parsed === 'object' ? parsed : null;
  } catch (error) {
    return null;
  }
}
