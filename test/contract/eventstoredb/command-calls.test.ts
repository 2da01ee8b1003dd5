import { StreamsClient } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { status, type Client } from '@grpc/grpc-js';
import { expect } from 'chai';
import { freshAnime, handlerOver } from '../../support/command-handler.js';
import { openGrpcNode } from '../../support/grpc-node.js';
import { opened, openStore } from './support.js';

/** The calls of the stubs while the test runs, and how those that ended did. */
const countCalls = () => {
  const stubs = StreamsClient.prototype as unknown as Record<string, (...args: unknown[]) => Call>;
  const { makeServerStreamRequest, makeBidiStreamRequest, append } = stubs;
  const counted = { reads: 0, appends: 0, cancelled: 0 };
  const watched = (call: Call): Call => {
    call.on('status', ({ code }) => {
      if (code === status.CANCELLED) counted.cancelled += 1;
    });
    return call;
  };
  stubs['makeServerStreamRequest'] = function (this: Client, ...args) {
    counted.reads += 1;
    return watched(makeServerStreamRequest?.apply(this, args) as Call);
  };
  stubs['append'] = function (this: Client, ...args) {
    counted.appends += 1;
    return watched(append?.apply(this, args) as Call);
  };
  // One call for any number of appends: each is a message.
  stubs['makeBidiStreamRequest'] = function (this: Client, ...args) {
    const call = makeBidiStreamRequest?.apply(this, args) as Call;
    const write = call.write.bind(call);
    call.write = (message) => {
      counted.appends += 1;
      return write(message);
    };
    return watched(call);
  };
  return {
    take: () => {
      const taken = { ...counted };
      Object.assign(counted, { reads: 0, appends: 0, cancelled: 0 });
      return taken;
    },
    restore: () => {
      Object.assign(stubs, { append });
      delete stubs['makeServerStreamRequest'];
      delete stubs['makeBidiStreamRequest'];
    },
  };
};

interface Call {
  on(event: 'status', listener: (ended: { readonly code: status }) => void): unknown;
  write(message: unknown): boolean;
}

describe('the calls of a command to EventStoreDB', () => {
  const keep = opened();

  const given = async () => {
    const calls = keep(countCalls(), ({ restore }) => restore());
    const node = keep(await openGrpcNode(), ({ stop }) => stop());
    const address = `esdb://127.0.0.1:${node.server.port}?tls=false`;
    const store = keep(openStore(address), (one) => one.close());
    const handler = () => keep(handlerOver(store), ({ drain }) => drain());
    return { calls, handler };
  };

  it('are one append where its anime is cached', async () => {
    const { calls, handler } = await given();
    const { list, click, view, rating } = freshAnime();
    const { send } = handler();
    expect(await send(list)).to.have.property('kind', 'accepted');
    calls.take();
    for (const command of [click, view, rating]) {
      expect(await send(command)).to.have.property('kind', 'accepted');
      expect(calls.take()).to.deep.equal({ reads: 0, appends: 1, cancelled: 0 });
    }
  });

  it('are one read to its end and one append where its anime is not cached', async () => {
    const { calls, handler } = await given();
    const { list, click } = freshAnime();
    await handler().send(list);
    calls.take();
    expect(await handler().send(click)).to.have.property('kind', 'accepted');
    expect(calls.take()).to.deep.equal({ reads: 1, appends: 1, cancelled: 0 });
  });

  it('are one read of each stream, none cancelled, where many anime are not cached', async () => {
    const { calls, handler } = await given();
    const animes = Array.from({ length: 20 }, freshAnime);
    const first = handler();
    await Promise.all(animes.map(({ list }) => first.send(list)));
    calls.take();
    const second = handler();
    await Promise.all(animes.map(({ click }) => second.send(click)));
    await Promise.all(animes.map(({ click }) => second.send(click)));
    expect(calls.take()).to.deep.equal({ reads: 20, appends: 40, cancelled: 0 });
  });
});
