import { Router, type Request } from 'express';
import { streamOf } from '../../domain/ids.js';
import { PortError } from '../../ports/errors.js';
import type { EventStore, RecordedEvent } from '../../ports/event-store.js';
import { requireApiKey } from '../../platform/http/api-key.js';
import { Problem } from '../../platform/http/problem.js';
import { problemOfRead } from './responses.js';
import { REVISION_PATTERN } from './headers.js';
import { pathAnimeId } from './validation.js';

export const DEFAULT_EVENTS = 100;
export const MAX_EVENTS = 500;
const MAX_REVISION = 2n ** 63n - 1n;

/** `GET /animes/:id/events?from=&limit=`: the history of an anime, for inspection. */
export const streamRoutes = (options: {
  readonly store: EventStore;
  readonly apiKeys: readonly string[];
}): Router => {
  const { store, apiKeys } = options;
  const router = Router({ caseSensitive: true });

  router.get('/animes/:id/events', requireApiKey(apiKeys), async (req, res) => {
    const animeId = pathAnimeId(req);
    const given = wholeQuery(req, 'from', 0n, 10n ** 19n - 1n) ?? 0n;
    // The event store takes no larger revision, and no stream is that long.
    const from = given < MAX_REVISION ? given : MAX_REVISION;
    const limit = Number(wholeQuery(req, 'limit', 1n, BigInt(MAX_EVENTS)) ?? DEFAULT_EVENTS);
    const stream = streamOf(animeId);
    try {
      const events = await eventsOf(store.read(stream, { from, limit }));
      if (events.length === 0) {
        const head = await store.head(stream);
        if (head === 'no_stream') {
          throw new Problem(404, `Anime ${animeId} has no history.`, { kind: 'anime-not-listed' });
        }
        // It was appended between the read and the look at the head.
        if (head >= from) events.push(...(await eventsOf(store.read(stream, { from, limit }))));
      }
      const last = events.at(-1);
      const full = events.length === limit && last !== undefined;
      res.json({
        animeId,
        stream,
        events: events.map(shownEvent),
        // Relative to this page, so that it holds behind a proxy that strips a prefix.
        next: full ? `?from=${last.revision + 1n}&limit=${limit}` : null,
      });
    } catch (error) {
      throw error instanceof PortError ? problemOfRead(error) : error;
    }
  });

  return router;
};

const eventsOf = async (read: AsyncIterable<RecordedEvent>): Promise<RecordedEvent[]> => {
  const events: RecordedEvent[] = [];
  for await (const event of read) events.push(event);
  return events;
};

const shownEvent = (event: RecordedEvent) => ({
  eventId: event.id,
  type: event.type,
  revision: event.revision.toString(),
  position: event.position.commit.toString(),
  recordedAt: new Date(event.recordedAt).toISOString(),
  data: jsonOrBase64(event.data),
  metadata: jsonOrBase64(event.metadata),
});

/** Base64 if it is not JSON: other clients may have stored anything. */
const jsonOrBase64 = (bytes: Uint8Array): unknown => {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (text.length === 0) return null;
  try {
    return JSON.parse(text.toString('utf8')) as unknown;
  } catch {
    return { base64: text.toString('base64') };
  }
};

const WHOLE_QUERY = new RegExp(REVISION_PATTERN);

const wholeQuery = (req: Request, name: string, min: bigint, max: bigint): bigint | undefined => {
  const given = req.query[name];
  if (given === undefined) return undefined;
  const value = typeof given === 'string' && WHOLE_QUERY.test(given) ? BigInt(given) : undefined;
  if (value !== undefined && value >= min && value <= max) return value;
  throw new Problem(
    400,
    `The query parameter ${name} must be a whole number from ${min} to ${max}.`,
  );
};
