import type { StreamsClient } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { Client, credentials, status, type ServiceError } from '@grpc/grpc-js';
import { expect } from 'chai';
import fc from 'fast-check';
import { randomUUID } from 'node:crypto';
import { openGrpcNode, type GrpcNode } from '../../support/grpc-node.js';
import { exchange } from '../../support/http.js';
import { identifier, rawStreams } from '../../support/raw-grpc.js';

const PATHS = ['Read', 'Append', 'BatchAppend', 'Delete', 'Tombstone'].map(
  (name) => `/event_store.client.streams.Streams/${name}`,
);

describe('a hostile gRPC client', () => {
  let node: GrpcNode;
  let client: StreamsClient;
  let stream: string;

  before(async () => {
    node = await openGrpcNode();
    client = rawStreams(node.server.port);
  });
  after(async () => {
    client.close();
    await node.stop();
  });
  beforeEach(() => {
    stream = `anime-${randomUUID()}`;
  });

  const readOptions = (): streams.ReadReq.Options =>
    new streams.ReadReq.Options()
      .setAll(new streams.ReadReq.Options.AllOptions().setStart(new shared.Empty()))
      .setCount('10')
      .setNoFilter(new shared.Empty());

  const oneStream = (name: string | Uint8Array) =>
    new streams.ReadReq.Options.StreamOptions().setStreamIdentifier(identifier(name));

  const read = (options: streams.ReadReq.Options | undefined): Promise<ServiceError | undefined> =>
    new Promise((resolve) => {
      const call = client.read(new streams.ReadReq().setOptions(options));
      call.on('error', resolve).on('end', () => resolve(undefined));
      call.resume();
    });

  const responses = (options: streams.ReadReq.Options): Promise<streams.ReadResp[]> =>
    new Promise((resolve, reject) => {
      const all: streams.ReadResp[] = [];
      client
        .read(new streams.ReadReq().setOptions(options))
        .on('data', (response: streams.ReadResp) => all.push(response))
        .on('error', reject)
        .on('end', () => resolve(all));
    });

  const revisionsOf = async (options: streams.ReadReq.Options) =>
    (await responses(options)).map((response) =>
      response.getEvent()?.getEvent()?.getStreamRevision(),
    );

  const appended = (...messages: streams.AppendReq[]): Promise<ServiceError | null> =>
    new Promise((resolve) => {
      const call = client.append((error) => resolve(error));
      call.on('error', () => undefined);
      for (const message of messages) call.write(message);
      call.end();
    });

  const { Options } = streams.ReadReq;
  const filter = () => new Options.FilterOptions().setMax(32).setCheckpointintervalmultiplier(1);
  const onType = (expression: streams.ReadReq.Options.FilterOptions.Expression) =>
    filter().setEventType(expression);
  const expression = () => new Options.FilterOptions.Expression();
  const subscription = () => readOptions().setSubscription(new Options.SubscriptionOptions());

  const reads: readonly [string, () => streams.ReadReq.Options | undefined, status][] = [
    ['without options', () => undefined, status.INVALID_ARGUMENT],
    ['of nothing', () => new Options(), status.INVALID_ARGUMENT],
    ['of no stream', () => new Options().setCount('1'), status.INVALID_ARGUMENT],
    [
      'of a stream without a name',
      () => readOptions().setStream(oneStream('')),
      status.INVALID_ARGUMENT,
    ],
    [
      'of a stream whose name is no text',
      () => readOptions().setStream(oneStream(Uint8Array.of(0xc3, 0x28))),
      status.INVALID_ARGUMENT,
    ],
    [
      'of all with a filter of nothing',
      () => readOptions().setFilter(onType(expression())),
      status.INVALID_ARGUMENT,
    ],
    [
      'of one stream with a filter',
      () => readOptions().setStream(oneStream('s')).setFilter(filter()),
      status.INVALID_ARGUMENT,
    ],
    [
      'that subscribes backwards',
      () => subscription().setReadDirection(Options.ReadDirection.BACKWARDS),
      status.INVALID_ARGUMENT,
    ],
    [
      'that subscribes with a filter of nothing',
      () => subscription().setFilter(onType(expression())),
      status.INVALID_ARGUMENT,
    ],
    [
      'that subscribes with a filter on nothing',
      () => subscription().setFilter(filter()),
      status.INVALID_ARGUMENT,
    ],
    [
      'that subscribes with a window of nothing',
      () => subscription().setFilter(onType(expression().setPrefixList(['a'])).setMax(0)),
      status.INVALID_ARGUMENT,
    ],
    [
      'that subscribes with too many prefixes',
      () =>
        subscription().setFilter(
          onType(expression().setPrefixList(Array.from({ length: 1001 }, () => 'p'))),
        ),
      status.INVALID_ARGUMENT,
    ],
    [
      'that subscribes with an endless pattern',
      () => subscription().setFilter(onType(expression().setRegex('a|'.repeat(600)))),
      status.INVALID_ARGUMENT,
    ],
  ];
  for (const [what, options, code] of reads) {
    it(`is refused a read ${what}`, async () => {
      expect(await read(options())).to.include({ code });
    });
  }

  it('gets the existing events when it asks for more than exist', async () => {
    await node.client.setStreamMetadata(stream, { maxCount: 1 });
    expect(await read(readOptions().setCount('18446744073709551615'))).to.equal(undefined);
  });

  it('gets matching events, however rare, and no more than it asked for', async () => {
    const event = (type: string) => ({
      id: randomUUID(),
      type,
      data: new Uint8Array(),
      metadata: new Uint8Array(),
      isJson: false,
    });
    const kind = `Rare${randomUUID().slice(0, 8)}`;
    const many = () => Array.from({ length: 300 }, () => event('Common'));
    for (let round = 0; round < 3; round += 1) {
      await node.log.append(stream, 'any', [...many(), event(kind)]);
    }
    const filtered = (direction: streams.ReadReq.Options.ReadDirection) =>
      readOptions()
        .setFilter(onType(expression().setPrefixList([kind])))
        .setReadDirection(direction)
        .setCount('2');
    const { FORWARDS, BACKWARDS } = Options.ReadDirection;
    expect(await revisionsOf(filtered(FORWARDS))).to.deep.equal(['300', '601']);
    const end = new Options.AllOptions().setEnd(new shared.Empty());
    expect(await revisionsOf(filtered(BACKWARDS).setAll(end))).to.deep.equal(['902', '601']);
  });

  it('gets structured ids when it does not ask for text', async () => {
    await node.client.setStreamMetadata(stream, { maxCount: 1 });
    const [first] = await responses(readOptions());
    const id = first?.getEvent()?.getEvent()?.getId();
    const bits = id?.getStructured();
    const [record] = node.log.readAll('start', 'forwards', 1);
    const hex = [bits?.getMostSignificantBits(), bits?.getLeastSignificantBits()]
      .map((half) =>
        BigInt.asUintN(64, BigInt(half ?? '0'))
          .toString(16)
          .padStart(16, '0'),
      )
      .join('');
    expect(hex).to.equal(record?.id.replaceAll('-', ''));
  });

  const header = () =>
    new streams.AppendReq().setOptions(
      new streams.AppendReq.Options()
        .setStreamIdentifier(identifier(stream))
        .setAny(new shared.Empty()),
    );
  const message = (id: shared.UUID | undefined, type: string) => {
    const proposed = new streams.AppendReq.ProposedMessage().setId(id);
    proposed.getMetadataMap().set('type', type).set('content-type', 'application/json');
    return new streams.AppendReq().setProposedMessage(proposed);
  };
  const anId = () => new shared.UUID().setString(randomUUID());

  const appends: readonly [string, () => streams.AppendReq[]][] = [
    ['of nothing at all', () => []],
    ['that does not start with its options', () => [message(anId(), 'Clicked')]],
    ['of an empty request', () => [new streams.AppendReq()]],
    ['with its options twice', () => [header(), header()]],
    ['without an expected revision', () => [header().setOptions(new streams.AppendReq.Options())]],
    ['of an event without an id', () => [header(), message(undefined, 'Clicked')]],
    ['of an event whose id is none', () => [header(), message(new shared.UUID(), 'Clicked')]],
    ['of an event without a type', () => [header(), message(anId(), '')]],
    ['of an event with an endless type', () => [header(), message(anId(), 't'.repeat(9000))]],
  ];
  for (const [what, messages] of appends) {
    it(`is refused an append ${what}`, async () => {
      expect(await appended(...messages())).to.include({ code: status.INVALID_ARGUMENT });
      expect(node.log.head(stream)).to.equal('no_stream');
    });
  }

  it('may send ids as bits', async () => {
    const bits = new shared.UUID.Structured()
      .setMostSignificantBits('-81985529216486896')
      .setLeastSignificantBits('81985529216486895');
    expect(await appended(header(), message(new shared.UUID().setStructured(bits), 'C'))).to.equal(
      null,
    );
    const page = node.log.readStream(stream, 'start', 'forwards', 1);
    expect(page).to.have.nested.property('events[0].id', 'fedcba98-7654-3210-0123-456789abcdef');
  });

  for (const name of ['delete', 'tombstone'] as const) {
    it(`is refused to ${name} without options`, async () => {
      const error = await new Promise((resolve) => {
        if (name === 'delete') client.delete(new streams.DeleteReq(), resolve);
        else client.tombstone(new streams.TombstoneReq(), resolve);
      });
      expect(error).to.include({ code: status.INVALID_ARGUMENT });
    });
  }

  it('cannot crash the server with bytes that are no message', async () => {
    const raw = new Client(`127.0.0.1:${node.server.port}`, credentials.createInsecure());
    const send = (path: string, bytes: Uint8Array): Promise<unknown> =>
      new Promise((resolve) => {
        const call = raw.makeBidiStreamRequest(
          path,
          (message: Uint8Array) => Buffer.from(message),
          (message) => message,
          { deadline: Date.now() + 200 },
        );
        call.on('error', resolve).on('end', resolve).resume();
        call.write(bytes);
        call.end();
      });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...PATHS),
        fc.uint8Array({ maxLength: 200 }),
        async (path, bytes) => {
          await send(path, bytes);
        },
      ),
      { numRuns: 150 },
    );
    raw.close();
    expect(await read(readOptions())).to.equal(undefined);
  });

  it('cannot crash the server by speaking another protocol', async () => {
    const { port } = node.server;
    await exchange(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n').catch(() => undefined);
    await exchange(port, '\0'.repeat(5000)).catch(() => undefined);
    expect(await read(readOptions())).to.equal(undefined);
  });
});
