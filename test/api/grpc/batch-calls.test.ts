import type { StreamsClient } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import type { EventLog } from '../../../src/embedded-eventstore/log/event-log.js';
import { eventually } from '../../support/eventually.js';
import { openGrpcNode, type GrpcNode } from '../../support/grpc-node.js';
import {
  batchAnswers,
  batchRequest,
  proposed,
  rawStreams,
  type BatchRequest,
} from '../../support/raw-grpc.js';

const BAD_REQUEST = 'event_store.client.BadRequest';
const TIMEOUT = 'event_store.client.Timeout';
const TOO_LARGE = 'event_store.client.MaximumAppendSizeExceeded';

describe('a batch call', () => {
  let node: GrpcNode;
  let client: StreamsClient;
  let stream: string;
  let appendsBegun: number;

  const counting = (log: EventLog): EventLog => ({
    ...log,
    append: (...request) => {
      appendsBegun += 1;
      return log.append(...request);
    },
  });

  before(async () => {
    node = await openGrpcNode({ wrap: counting });
  });
  after(() => node.stop());
  beforeEach(() => {
    client = rawStreams(node.server.port);
    stream = `anime-${randomUUID()}`;
    appendsBegun = 0;
  });
  afterEach(() => client.close());

  /** Sends requests, half-closes the call and returns the responses received before its end. */
  const exchange = async (...requests: BatchRequest[]): Promise<[string, string][]> => {
    const call = client.batchAppend();
    const { answers, ended } = batchAnswers(call);
    for (const request of requests) call.write(batchRequest(request));
    call.end();
    expect(await ended).to.equal(undefined);
    return answers;
  };

  const id = (): string => randomUUID();

  it('answers each append once, also after the client half-closed the call', async () => {
    const [first, second] = [id(), id()];
    const answers = await exchange(
      { correlationId: first, stream, events: [proposed()] },
      { correlationId: second, stream, events: [proposed(), proposed()] },
    );
    expect(answers).to.deep.equal([
      [first, '0'],
      [second, '2'],
    ]);
  });

  it('accepts interleaved parts of several appends', async () => {
    const [first, second] = [id(), id()];
    const other = `anime-${randomUUID()}`;
    const answers = await exchange(
      { correlationId: first, stream, events: [proposed()], final: false },
      { correlationId: second, stream: other, events: [proposed()], final: false },
      { correlationId: first, events: [proposed()] },
      { correlationId: second, events: [proposed(), proposed()] },
    );
    expect(Object.fromEntries(answers)).to.deep.equal({ [first]: '1', [second]: '2' });
  });

  it('ignores a part of an append that was never opened', async () => {
    const known = id();
    const answers = await exchange(
      { correlationId: id(), events: [proposed()] },
      { correlationId: known, stream, events: [proposed()] },
    );
    expect(answers).to.deep.equal([[known, '0']]);
  });

  it('accepts a correlation id again once it was answered', async () => {
    const same = id();
    const again = { correlationId: same, stream, events: [proposed()] };
    expect(await exchange(again, { ...again, events: [proposed()] })).to.deep.equal([
      [same, '0'],
      [same, '1'],
    ]);
  });

  const refused: readonly [string, Partial<BatchRequest>, string][] = [
    ['without a correlation id', { correlationId: '' }, BAD_REQUEST],
    ['with a correlation id that is none', { correlationId: 'nonsense' }, BAD_REQUEST],
    ['to a stream without a name', { stream: '' }, BAD_REQUEST],
    ['to a stream whose name is no text', { stream: Uint8Array.of(0xff, 0xfe) }, BAD_REQUEST],
    ['to a stream with NUL in its name', { stream: 'a\0b' }, BAD_REQUEST],
    ['to a stream with an endless name', { stream: 'x'.repeat(100_000) }, BAD_REQUEST],
    ['of an event whose id is none', { events: [proposed({ id: '17' })] }, BAD_REQUEST],
    ['of an event without a type', { events: [proposed({ type: '' })] }, BAD_REQUEST],
    ['of an event with NUL in its type', { events: [proposed({ type: 'a\0' })] }, BAD_REQUEST],
    ['of an event without a kind', { events: [proposed({ contentType: '' })] }, BAD_REQUEST],
    ['that is too late', { deadlineMs: -1 }, TIMEOUT],
    [
      'that is too large',
      { events: [proposed({ data: new Uint8Array(2 * 1024 * 1024) })] },
      TOO_LARGE,
    ],
  ];
  for (const [what, difference, type] of refused) {
    it(`refuses an append ${what}, and accepts the next`, async () => {
      const [first, next] = [id(), id()];
      const request = { correlationId: first, stream, events: [proposed()], ...difference };
      const answers = await exchange(request, {
        correlationId: next,
        stream,
        events: [proposed()],
      });
      expect(answers).to.deep.equal([
        [request.correlationId, type],
        [next, '0'],
      ]);
      expect(appendsBegun).to.equal(1);
    });
  }

  it('answers once an append that is refused before its last part', async () => {
    const [first, next] = [id(), id()];
    const answers = await exchange(
      { correlationId: first, stream, events: [proposed()], final: false },
      { correlationId: first, events: [proposed({ id: 'bad' })], final: false },
      { correlationId: first, events: [proposed()], final: false },
      { correlationId: first, events: [proposed()] },
      { correlationId: next, stream, events: [proposed()] },
    );
    expect(answers).to.deep.equal([
      [first, BAD_REQUEST],
      [next, '0'],
    ]);
  });

  it('times out an append whose last part does not arrive', async () => {
    const call = client.batchAppend();
    const { answers } = batchAnswers(call);
    const late = id();
    const part = { correlationId: late, stream, events: [proposed()], final: false };
    call.write(batchRequest({ ...part, deadlineMs: 30 }));
    await eventually(() => expect(answers).to.deep.equal([[late, TIMEOUT]]));
    call.cancel();
    expect(appendsBegun).to.equal(0);
  });

  it('limits the number of unfinished appends', async () => {
    const ids = Array.from({ length: 65 }, id);
    const call = client.batchAppend();
    const { answers } = batchAnswers(call);
    for (const correlationId of ids) {
      call.write(batchRequest({ correlationId, stream, events: [proposed()], final: false }));
    }
    await eventually(() => expect(answers).to.deep.equal([[ids.at(-1), BAD_REQUEST]]));
    call.cancel();
  });

  it('stops reading from a client that does not read its responses', async () => {
    const call = client.batchAppend();
    // Pauses after the first response: grpc-js buffers everything before a first read.
    call.on('error', () => undefined).once('data', () => call.pause());
    const name = 'n'.repeat(1000);
    const sent = 5000;
    for (let count = 0; count < sent; count += 1) {
      call.write(batchRequest({ correlationId: id(), stream: name, events: [proposed()] }));
    }
    let before = -1;
    await eventually(
      () => {
        const still = appendsBegun === before && appendsBegun > 0;
        before = appendsBegun;
        expect(still).to.equal(true);
      },
      { everyMs: 300 },
    );
    expect(appendsBegun).to.be.below(sent / 2);
    const { answers } = batchAnswers(call);
    call.resume();
    await eventually(() => expect(answers).to.have.length(sent - 1), { withinMs: 9000 });
    call.cancel();
  });
});
