import shared from '@eventstore/db-client/generated/shared_pb.js';
import type { StreamIdentifier } from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import { within } from '../../platform/async/abort.js';
import { backoffMs, pause } from '../../platform/async/retry.js';
import { UnavailableError } from '../../ports/errors.js';
import type { Position, ReadAllOptions, ReadOptions } from '../../ports/event-store.js';
import type { ReadCall } from './connection.js';
import type { ReadResponse } from './read-responses.js';
import { isNotLeader } from './errors.js';

const { Options } = streams.ReadReq;
const { FORWARDS, BACKWARDS } = Options.ReadDirection;

/** The most events that a filter skips before the server sends a checkpoint. */
const EVENTS_PER_CHECKPOINT = 128;

export const streamIdentifier = (stream: string): StreamIdentifier =>
  // A string would be treated as base64.
  new shared.StreamIdentifier().setStreamName(Buffer.from(stream, 'utf8'));

export const readStreamRequest = (
  stream: string,
  { from, direction = 'forwards', limit }: ReadOptions,
): ReadReq => {
  const place = new Options.StreamOptions().setStreamIdentifier(streamIdentifier(stream));
  if (from !== undefined) place.setRevision(from.toString());
  else if (direction === 'forwards') place.setStart(new shared.Empty());
  else place.setEnd(new shared.Empty());
  return toReadRequest(
    readOptions()
      .setStream(place)
      .setReadDirection(direction === 'forwards' ? FORWARDS : BACKWARDS)
      .setCount(String(limit ?? Number.MAX_SAFE_INTEGER))
      .setNoFilter(new shared.Empty()),
  );
};

/** Inclusive at `after` when forwards, exclusive when backwards. */
export const readAllRequest = ({ after, direction, limit }: ReadAllOptions): ReadReq => {
  const place = new Options.AllOptions();
  if (after !== undefined) place.setPosition(position(after));
  else if (direction === 'forwards') place.setStart(new shared.Empty());
  else place.setEnd(new shared.Empty());
  return toReadRequest(
    readOptions()
      .setAll(place)
      .setReadDirection(direction === 'forwards' ? FORWARDS : BACKWARDS)
      .setCount(String(limit))
      .setNoFilter(new shared.Empty()),
  );
};

export const subscribeRequest = (
  after: Position | 'start',
  streamPrefix: string | undefined,
): ReadReq => {
  const place = new Options.AllOptions();
  if (after === 'start') place.setStart(new shared.Empty());
  else place.setPosition(position(after));
  const subscription = readOptions()
    .setAll(place)
    .setSubscription(new Options.SubscriptionOptions());
  if (streamPrefix === undefined) subscription.setNoFilter(new shared.Empty());
  else subscription.setFilter(prefixFilter(streamPrefix));
  return toReadRequest(subscription);
};

const toReadRequest = (content: ReadReq.Options): ReadReq =>
  new streams.ReadReq().setOptions(content);

/** Links are not resolved; ids are sent as text. */
const readOptions = () =>
  new Options()
    .setResolveLinks(false)
    .setUuidOption(new Options.UUIDOption().setString(new shared.Empty()));

const position = ({ commit, prepare }: Position) =>
  new Options.Position()
    .setCommitPosition(commit.toString())
    .setPreparePosition(prepare.toString());

const prefixFilter = (prefix: string) =>
  new Options.FilterOptions()
    .setStreamIdentifier(new Options.FilterOptions.Expression().setPrefixList([prefix]))
    .setMax(EVENTS_PER_CHECKPOINT)
    .setCheckpointintervalmultiplier(1);

export const toPosition = (place: {
  getCommitPosition(): string;
  getPreparePosition(): string;
}): Position => ({
  commit: BigInt(place.getCommitPosition()),
  prepare: BigInt(place.getPreparePosition()),
});

/** The server sent nothing for too long while a response was expected. */
export class SilenceError extends UnavailableError {
  constructor(silenceMs: number) {
    super('The event store stopped responding.', { context: { silenceMs } });
  }
}

/**
 * The responses of a read call, pulled one by one so that a slow consumer slows the server down.
 * Ends when the signal is aborted; throws if the call fails or after `silenceMs` without a
 * response. Leaving early cancels the call, which would otherwise stay open.
 */
export async function* responses(
  open: () => Promise<ReadCall>,
  { silenceMs, signal }: { readonly silenceMs: number; readonly signal: AbortSignal },
): AsyncGenerator<ReadResponse, void, undefined> {
  const aborted = () => signal.aborted;
  if (aborted()) return;
  const call = await openOrGiveUp(open(), silenceMs, signal);
  if (call === undefined) return;
  // An error may arrive after the iteration has ended.
  call.on('error', () => undefined);
  const cancel = () => call.cancel();
  signal.addEventListener('abort', cancel);
  let waiting = true;
  let ended = false;
  const silence = setTimeout(() => {
    if (waiting) call.destroy(new SilenceError(silenceMs));
  }, silenceMs);
  try {
    for await (const response of call as AsyncIterable<ReadResponse>) {
      waiting = false;
      yield response;
      if (aborted()) return;
      waiting = true;
      silence.refresh();
    }
    ended = true;
  } catch (error) {
    if (!aborted()) throw error;
  } finally {
    clearTimeout(silence);
    signal.removeEventListener('abort', cancel);
    if (!ended) call.cancel();
  }
}

/** How often a read is sent to another leader before it fails. */
const LEADER_CHANGES = 3;
const RECONNECT_BACKOFF = { baseMs: 10, maxMs: 100 };

/**
 * The responses to a call. A node that is no longer the leader refuses a read before its first response,
 * so the read can be repeated on the new leader.
 */
export async function* responsesOfLeader(
  ...call: Parameters<typeof responses>
): AsyncGenerator<ReadResponse, void, undefined> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return yield* responses(...call);
    } catch (error) {
      if (!isNotLeader(error) || attempt === LEADER_CHANGES) throw error;
      await pause(backoffMs(attempt, RECONNECT_BACKOFF), call[1].signal);
    }
  }
}

/** A call that opens after the caller has given up is cancelled at once. */
const openOrGiveUp = async (
  opening: Promise<ReadCall>,
  silenceMs: number,
  signal: AbortSignal,
): Promise<ReadCall | undefined> => {
  let giveUp: () => void = () => undefined;
  const aborted = new Promise<undefined>((resolve) => (giveUp = () => resolve(undefined)));
  signal.addEventListener('abort', giveUp);
  let call: ReadCall | undefined;
  try {
    const silent = () => new SilenceError(silenceMs);
    return (call = await within(silenceMs, Promise.race([opening, aborted]), silent));
  } finally {
    signal.removeEventListener('abort', giveUp);
    if (call === undefined) opening.then(cancelUnwanted, () => undefined);
  }
};

const cancelUnwanted = (call: ReadCall): void => {
  call.on('error', () => undefined).cancel();
};
