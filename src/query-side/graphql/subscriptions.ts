import { isAnimeId } from '../../domain/ids.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Position, RecordedEvent } from '../../ports/event-store.js';
import type { ReadStore } from '../../ports/read-store.js';
import type { ReadModels } from '../read-your-writes/revision-waiter.js';
import {
  createEventBuffer,
  createEventFeed,
  createNewestEvents,
  resumeIdOf,
  TooFarBackError,
} from '../subscriptions/event-feed.js';
import { createLiveAnime, createPaced, type Paced } from '../subscriptions/live-anime.js';
import { eventTypesOf, pageSizeOf, resumePositionOf } from './arguments.js';
import { requireReadModels, type QueryContext } from './context.js';
import { resumeTooFar, subscriberTooSlow, unauthenticated } from './errors.js';
import { requireEvents, type EventsAccess } from './event-queries.js';
import { readPipeline, type PipelineSource } from './pipeline.js';
import { isShownEvent, toRecordedEvent } from './recorded-events.js';
import { knownOrNull } from './context.js';
import { toStats } from './resolvers.js';

/** What a subscription knows of the response that it fills. */
export interface StreamContext extends QueryContext {
  /** What the client sent as Last-Event-ID. */
  readonly lastEventId: string | undefined;
  /** Where a client resumes that has all that was sent so far; undefined if it is not to. */
  resumeId?: () => string | undefined;
}

/** At most 4 messages a second. */
const EVERY_MS = 250;
const PIPELINE_EVERY_MS = 1_000;

export interface SubscriptionsOptions {
  readonly readStore: Pick<ReadStore, 'documents' | 'onChanged'>;
  readonly activeReadModels: () => Promise<ReadModels | null>;
  readonly pipeline: PipelineSource;
  readonly events: EventsAccess;
  readonly logger: Logger;
  readonly everyMs?: number;
}

/** The resolvers of `Subscription`. */
export const createSubscriptionResolvers = (options: SubscriptionsOptions) => {
  const { pipeline, events, logger, everyMs = EVERY_MS } = options;
  const live = createLiveAnime({ ...options, everyMs });
  const feed = typeof events === 'string' ? null : createEventFeed({ eventStore: events, logger });

  const animeStats = async (
    _: unknown,
    { animeId }: { readonly animeId: number },
    context: StreamContext,
  ) => {
    await requireReadModels(context);
    const messages = latestValues('animeStats', everyMs);
    if (!isAnimeId(animeId)) return messages.ofValue(null);
    return messages.follow((tell) =>
      live.watch(animeId, (document) => {
        const known = knownOrNull(document);
        tell(known === null ? null : toStats(known));
      }),
    );
  };

  const topAnimesByViews = async (
    _: unknown,
    args: { readonly limit: number | null },
    context: StreamContext,
  ) => {
    const limit = pageSizeOf('limit', args.limit, 10);
    await requireReadModels(context);
    return latestValues('topAnimesByViews', everyMs).follow((tell) =>
      live.watchTop(limit, (documents) => tell(documents.map(toStats))),
    );
  };

  const followPipeline = (_: unknown, _args: unknown, context: StreamContext) => {
    if (!context.isReader) throw unauthenticated();
    const messages: Paced<object> = createPaced<object>({
      everyMs: Math.max(everyMs, PIPELINE_EVERY_MS),
      // Resolved by GraphQL: processes share the state, not the fields that were asked for.
      take: () => {
        messages.wake();
        return { pipeline: () => readPipeline(pipeline, context) };
      },
      onClosed: () => undefined,
    });
    messages.wake();
    return messages;
  };

  const followEvents = (
    _: unknown,
    args: { readonly types?: readonly string[] | null; readonly newest?: number | null },
    context: StreamContext,
  ) => {
    requireEvents(events, context);
    if (feed === null) throw new TypeError('Events are shown, and not followed.');
    const isWanted = wantedEvents(eventTypesOf(args.types));
    const newest = args.newest == null ? null : pageSizeOf('newest', args.newest, 1);
    const after = newest === null ? resumePositionOf(context.lastEventId) : null;
    const buffer = newest === null ? createEventBuffer() : createNewestEvents(newest);
    let seen: Position | null = after;
    let sent: Position | null = after;
    let stop = (): void => undefined;
    const messages = createPaced<object>({
      everyMs,
      take: () => {
        const taken = buffer.take();
        sent = taken?.at(-1)?.position ?? sent;
        return taken === undefined ? undefined : { events: taken.map(toRecordedEvent) };
      },
      onClosed: () => stop(),
    });
    const finish = (error: Error): void => {
      stop();
      messages.finish({ events: error });
    };
    context.resumeId = () => {
      const position = buffer.isEmpty() ? seen : sent;
      return position === null || newest !== null ? undefined : resumeIdOf(position);
    };
    stop = feed.follow(
      {
        event: (event) => {
          seen = event.position;
          if (!isWanted(event)) return;
          if (buffer.add(event)) messages.wake();
          else finish(subscriberTooSlow());
        },
        upTo: (position) => (seen = position),
        hasRoom: () => buffer.hasRoom(),
        failed: (error) =>
          finish(error instanceof TooFarBackError ? resumeTooFar() : (error as Error)),
      },
      after,
    );
    return messages;
  };

  return {
    animeStats: { subscribe: animeStats },
    topAnimesByViews: { subscribe: topAnimesByViews },
    pipeline: { subscribe: followPipeline },
    events: { subscribe: followEvents },
  };
};

/** Of the values between two messages only the latest is sent, and none that equals the last. */
const latestValues = (field: string, everyMs: number) => {
  let waiting: { readonly value: unknown } | undefined;
  let lastText: string | undefined;
  let stop = (): void => undefined;
  const messages = createPaced<object>({
    everyMs,
    take: () => {
      const message = waiting;
      waiting = undefined;
      return message && { [field]: message.value };
    },
    onClosed: () => stop(),
  });
  const tell = (value: unknown): void => {
    const text = JSON.stringify(value);
    if (text === lastText) return;
    lastText = text;
    waiting = { value };
    messages.wake();
  };
  return {
    ofValue: (value: unknown) => {
      tell(value);
      return messages;
    },
    follow: (begin: (tell: (value: unknown) => void) => () => void) => {
      stop = begin(tell);
      return messages;
    },
  };
};

const wantedEvents = (types: ReadonlySet<string> | null) => (event: RecordedEvent) =>
  isShownEvent(event) && (types?.has(event.type) ?? true);
