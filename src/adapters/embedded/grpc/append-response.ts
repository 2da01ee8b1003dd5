import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { Expected } from '../log/event-log.js';

interface Written {
  readonly revision: bigint;
  readonly position: bigint;
}

/** An append of nothing to a stream that is not there has neither revision nor position. */
export const appendSuccess = ({ revision, position }: Written): streams.AppendResp.Success => {
  const success = new streams.AppendResp.Success();
  if (revision < 0n) success.setNoStream(new shared.Empty());
  else success.setCurrentRevision(revision.toString());
  if (position <= 0n) return success.setNoPosition(new shared.Empty());
  const place = new streams.AppendResp.Position();
  place.setCommitPosition(position.toString());
  place.setPreparePosition(position.toString());
  return success.setPosition(place);
};

/** Both halves are always there: clients of every age read one or the other. */
export const appendConflict = (
  expected: Expected,
  actual: bigint | 'no_stream',
): streams.AppendResp.WrongExpectedVersion => {
  const conflict = new streams.AppendResp.WrongExpectedVersion();
  if (actual === 'no_stream') conflict.setCurrentNoStream(new shared.Empty());
  else conflict.setCurrentRevision(actual.toString());
  switch (expected) {
    case 'any':
      return conflict.setExpectedAny(new shared.Empty());
    case 'stream_exists':
      return conflict.setExpectedStreamExists(new shared.Empty());
    case 'no_stream':
      return conflict.setExpectedNoStream(new shared.Empty());
    default:
      return conflict.setExpectedRevision(expected.toString());
  }
};
