import {
  EventStoreDBClient,
  jsonEvent,
  type AllStreamSubscription,
  type AppendToStreamOptions,
  type EventData,
  type ReadStreamOptions,
  type ResolvedEvent,
  type StreamSubscription,
} from '@eventstore/db-client';
import { expect } from 'chai';
import { eventually } from '../../../support/eventually.js';

export const TAG = 'dTAG';

export type Question = readonly [name: string, ask: () => Promise<unknown>];

/** A response in the format of the recorded file. */
export const written = (name: string, answer: unknown): string => {
  const json = JSON.stringify(answer, (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
  return `${name.replaceAll(TAG, 'TAG')}: ${json.replaceAll(TAG, 'TAG').replace(/x{100,}/g, 'x…')}`;
};

export const failure = (error: unknown) => {
  const { type, code, message, expectedVersion, actualVersion } = Object(error) as Record<
    string,
    unknown
  >;
  return {
    error: type ?? code,
    message: String(message).slice(0, 160),
    expected: expectedVersion,
    actual: actualVersion,
  };
};

export const named = (name: string): string => `${TAG}-${name}`;

export const event = (n: number, type = 'T', more: { readonly id?: string } = {}) =>
  jsonEvent({ type, data: { n }, ...more });

const numberOf = ({ event: of }: ResolvedEvent): unknown => (Object(of?.data) as { n?: unknown }).n;

/** The client calls that the questions use. */
export const createAsking = (client: EventStoreDBClient) => {
  const append = async (
    stream: string,
    events: EventData | EventData[],
    options: AppendToStreamOptions = {},
  ) => {
    const result = await client.appendToStream(stream, events, options);
    return { next: result.nextExpectedRevision, ok: result.success };
  };

  const read = async (stream: string, options: ReadStreamOptions = {}) => {
    const read: unknown[] = [];
    for await (const resolved of client.readStream(stream, options)) {
      const { event: of, link } = resolved;
      const what = numberOf(resolved) ?? of?.type ?? null;
      read.push([what, of?.revision, link === undefined ? undefined : [link.type, link.revision]]);
    }
    return read;
  };

  /**
   * Everything a subscription sends until it has caught up and, after `live`, `lasting` more
   * events.
   */
  const follow = async (
    subscription: StreamSubscription,
    { live, lasting = 0 }: { live?: () => Promise<unknown>; lasting?: number } = {},
  ) => {
    const items: unknown[] = [];
    subscription.on('data', (resolved: ResolvedEvent) => {
      const { event: of } = resolved;
      items.push(
        of === undefined ? 'link-only' : [of.streamId, numberOf(resolved) ?? null, of.revision],
      );
    });
    const error = await caughtUp(subscription);
    await live?.();
    await eventually(() => expect(items).to.have.lengthOf.at.least(lasting));
    await subscription.unsubscribe().catch(() => undefined);
    return error === undefined ? items : { a: items, e: error };
  };

  /** Our streams that a subscription to all sends until it has caught up. */
  const all = async (subscription: AllStreamSubscription) => {
    const found: string[] = [];
    subscription.on('data', ({ event: of }: ResolvedEvent) => {
      if (of?.streamId.startsWith(TAG) === true) found.push(`${of.streamId}@${of.revision}`);
    });
    const error = await caughtUp(subscription);
    await subscription.unsubscribe().catch(() => undefined);
    if (error !== undefined) return { n: found.length, e: error };
    return found.length > 6 ? [found.length, ...found.slice(0, 3)] : found;
  };

  return { client, append, read, follow, all };
};

export type Asking = ReturnType<typeof createAsking>;

const caughtUp = (
  subscription: StreamSubscription | AllStreamSubscription,
): Promise<ReturnType<typeof failure> | undefined> =>
  new Promise((resolve) => {
    (subscription as StreamSubscription)
      .on('caughtUp', () => {
        resolve(undefined);
      })
      .on('error', (error: unknown) => {
        resolve(failure(error));
      });
  });
