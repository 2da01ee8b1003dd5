import any from 'google-protobuf/google/protobuf/any_pb.js';
import code from '@eventstore/db-client/generated/code_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import statuses from '@eventstore/db-client/generated/status_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { BatchAppendReq } from '@eventstore/db-client/generated/streams_pb.js';
import { status } from '@grpc/grpc-js';
import { expect } from 'chai';
import {
  OutcomeUnknownError,
  StreamDeletedError,
  TooLargeError,
  UnavailableError,
  WrongExpectedRevisionError,
} from '../../../src/ports/errors.js';
import { rejectionOf } from '../../support/rejection-of.js';
import {
  scriptedServer,
  type BatchServerCall,
  type Script,
} from '../../support/scripted-server.js';
import { newEvents } from '../event-store/given.js';
import { eventAt, opened, openStore, response, succeeded } from './support.js';

describe('EventStoreDB adapter, the responses to an append', () => {
  const keep = opened();

  const appendTo = async (script: Script) => {
    const server = keep(await scriptedServer(script), ({ stop }) => stop());
    const store = keep(openStore(server.connectionString), (one) => one.close());
    return store.append('asked', 4n, newEvents(2), { timeoutMs: 500 });
  };

  /** Responds to each request with the error type, as the server does. */
  const answering = (
    name: string,
    bytes: Uint8Array = new Uint8Array(),
    number = code.Code.UNKNOWN,
  ): Script => ({
    batchAppend: (call) => {
      call.on('data', (request: BatchAppendReq) => {
        const details = new any.Any();
        details.pack(Uint8Array.from(bytes), `event_store.client.${name}`);
        const error = new statuses.Status().setCode(number).setDetails(details);
        call.write(response(request).setError(error));
      });
    },
  });

  const refusals: readonly [string, Script, new (...args: never) => Error][] = [
    ['an append that is too large', answering('MaximumAppendSizeExceeded'), TooLargeError],
    ['an event that is too large', answering('MaximumAppendEventSizeExceeded'), TooLargeError],
    ['a stream deleted for ever', answering('StreamDeleted'), StreamDeletedError],
    ["the server's own time-out", answering('Timeout'), OutcomeUnknownError],
    ['an error it has no name for', answering('Unknown'), OutcomeUnknownError],
    ['a kind of answer we do not know', answering('Novelty'), OutcomeUnknownError],
    [
      'a node that is starting',
      answering('Empty', new Uint8Array(), code.Code.OK),
      UnavailableError,
    ],
    [
      'a failure inside the server',
      answering('Empty', new Uint8Array(), code.Code.INTERNAL),
      OutcomeUnknownError,
    ],
    ['no answer at all', { batchAppend: (call) => call.resume() }, OutcomeUnknownError],
    [
      'the end of the call without an answer',
      { batchAppend: (call) => call.once('data', () => call.end()) },
      OutcomeUnknownError,
    ],
    [
      'a reset',
      { batchAppend: (call) => call.once('data', () => reset(call)) },
      OutcomeUnknownError,
    ],
  ];

  const reset = (call: BatchServerCall) =>
    call.emit('error', { code: status.UNAVAILABLE, details: 'gone' });

  for (const [what, script, kind] of refusals) {
    it(`classifies ${what}`, async () => {
      expect(await rejectionOf(appendTo(script))).to.be.instanceOf(kind);
    });
  }

  it('reports the current revision on a conflict', async () => {
    const wrong = new shared.WrongExpectedVersion().setCurrentStreamRevision('9007199254740993');
    const error = await rejectionOf(
      appendTo(answering('WrongExpectedVersion', wrong.serializeBinary())),
    );
    expect(error).to.be.instanceOf(WrongExpectedRevisionError);
    expect(error).to.include({ stream: 'asked', expected: 4n, actual: 9007199254740993n });
  });

  it('treats the revision -1 as no stream', async () => {
    const wrong = new shared.WrongExpectedVersion().setCurrentStreamRevision(
      '18446744073709551615',
    );
    const error = await rejectionOf(
      appendTo(answering('WrongExpectedVersion', wrong.serializeBinary())),
    );
    expect(error).to.include({ expected: 4n, actual: 'no_stream' });
  });

  it('does not retry what the server calls malformed', async () => {
    const error = await rejectionOf(appendTo(answering('BadRequest')));
    expect(error).to.include({ code: 'NOT_SUPPORTED', retriable: false });
  });

  it('reports denied access as such', async () => {
    const error = await rejectionOf(appendTo(answering('AccessDenied')));
    expect(error).to.include({ code: 'ACCESS_DENIED', retriable: false });
  });

  it('reads the position where the response to a repeat omits it', async () => {
    const result = await appendTo({
      batchAppend: (call) => {
        call.on('data', (request: BatchAppendReq) => {
          const success = new streams.BatchAppendResp.Success().setCurrentRevision('6');
          call.write(response(request).setSuccess(success));
        });
      },
      read: (call) => {
        call.write(eventAt(77n));
        call.end();
      },
    });
    expect(result).to.deep.equal({ revision: 6n, position: { commit: 77n, prepare: 77n } });
  });

  it('matches a response whose id has the structured form', async () => {
    const result = await appendTo({
      batchAppend: (call) => {
        call.on('data', (request: BatchAppendReq) => {
          const hex = request.getCorrelationId()?.getString().replaceAll('-', '') ?? '';
          const half = (digits: string) => BigInt.asIntN(64, BigInt(`0x${digits}`)).toString();
          const halves = new shared.UUID.Structured()
            .setMostSignificantBits(half(hex.slice(0, 16)))
            .setLeastSignificantBits(half(hex.slice(16)));
          call.write(succeeded(request).setCorrelationId(new shared.UUID().setStructured(halves)));
        });
      },
    });
    expect(result).to.deep.equal({ revision: 6n, position: { commit: 9n, prepare: 8n } });
  });
});
