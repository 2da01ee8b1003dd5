import streams from '@eventstore/db-client/generated/streams_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import type { ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import type { StreamIdentifier } from '@eventstore/db-client/generated/shared_pb.js';
import type { Position, ReadOptions } from '../../ports/event-store.js';

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
  return request(
    readOptions()
      .setStream(place)
      .setReadDirection(direction === 'forwards' ? FORWARDS : BACKWARDS)
      .setCount(String(limit ?? Number.MAX_SAFE_INTEGER))
      .setNoFilter(new shared.Empty()),
  );
};

/** The last event of the log. */
export const readEndRequest = (): ReadReq =>
  request(
    readOptions()
      .setAll(new Options.AllOptions().setEnd(new shared.Empty()))
      .setReadDirection(BACKWARDS)
      .setCount('1')
      .setNoFilter(new shared.Empty()),
  );

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
  return request(subscription);
};

const request = (content: ReadReq.Options): ReadReq => new streams.ReadReq().setOptions(content);

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
