import shared from '@eventstore/db-client/generated/shared_pb.js';
import type streams from '@eventstore/db-client/generated/streams_pb.js';
import { status, type ServerDuplexStream } from '@grpc/grpc-js';
import { batchAppendResponse, type BatchOutcome } from './batch-append-response.js';
import type { createGate } from './gate.js';
import { streamIdentifier } from './identifiers.js';
import type { RpcError } from './rpc-error.js';
import type { PendingAppend } from './unfinished-appends.js';

export type BatchCall = ServerDuplexStream<streams.BatchAppendReq, streams.BatchAppendResp>;

/** Sends answers; one that the client has not read yet counts as work under way. */
export const createAnswers = (call: BatchCall, gate: ReturnType<typeof createGate>) => {
  const send = (
    correlationId: shared.UUID | undefined,
    identifier: shared.StreamIdentifier,
    outcome: BatchOutcome,
  ): void => {
    gate.enter();
    call.write(batchAppendResponse(correlationId, identifier, outcome), gate.leave);
  };

  const settle = (append: PendingAppend, outcome: BatchOutcome): void =>
    send(append.correlationId, streamIdentifier(append.stream), outcome);

  return {
    settle,

    /** An append that the log could not confirm. */
    fail(append: PendingAppend, error: RpcError): void {
      // The log takes no more, from nobody: the client is to connect again.
      if (error.code === status.UNAVAILABLE) call.emit('error', error);
      else settle(append, outcomeOf(error));
    },

    /** A request that is no append, or no continuation of one. */
    refuse(
      request: streams.BatchAppendReq,
      append: PendingAppend | undefined,
      error: RpcError,
    ): void {
      if (append !== undefined) {
        settle(append, outcomeOf(error));
        return;
      }
      const identifier = request.getOptions()?.getStreamIdentifier();
      send(
        request.getCorrelationId(),
        identifier ?? new shared.StreamIdentifier(),
        outcomeOf(error),
      );
    },
  };
};

const outcomeOf = ({ code, details }: RpcError): BatchOutcome => {
  if (code === status.INVALID_ARGUMENT) return { kind: 'bad-request', message: details };
  if (code === status.PERMISSION_DENIED) return { kind: 'denied' };
  return { kind: code === status.ABORTED ? 'timeout' : 'unknown' };
};
