import type { BatchAppendReq } from '@eventstore/db-client/generated/streams_pb.js';
import { expect } from 'chai';
import { OutcomeUnknownError } from '../../../src/ports/errors.js';
import { rejectionOf } from '../../support/rejection-of.js';
import { scriptedServer, type Script } from '../../support/scripted-server.js';
import { newEvents } from '../event-store/given.js';
import { opened, openStore, succeeded } from './support.js';

describe('EventStoreDB adapter, append calls that stop responding', () => {
  const keep = opened();

  const openAt = async (script: Script, options = {}) => {
    const server = keep(await scriptedServer(script), ({ stop }) => stop());
    return keep(openStore(server.connectionString, options), (one) => one.close());
  };

  it('sends no new appends on a call that stopped responding', async () => {
    let calls = 0;
    const store = await openAt({
      batchAppend: (call) => {
        calls += 1;
        if (calls === 1) call.resume();
        else call.on('data', (request: BatchAppendReq) => call.write(succeeded(request)));
      },
    });
    const silent = rejectionOf(store.append('asked', 4n, newEvents(2), { timeoutMs: 100 }));
    expect(await silent).to.be.instanceOf(OutcomeUnknownError);
    expect(await store.append('asked', 4n, newEvents(2))).to.include({ revision: 6n });
    expect(calls).to.equal(2);
  });

  it('has appends of several streams under way on several calls', async () => {
    const calls = new Set<unknown>();
    const waiting: (() => void)[] = [];
    const store = await openAt({
      batchAppend: (call) => {
        call.on('data', (request: BatchAppendReq) => {
          calls.add(call);
          waiting.push(() => call.write(succeeded(request)));
          if (waiting.length === 3) for (const respond of waiting) respond();
        });
      },
    });
    await Promise.all(['a', 'b', 'c'].map((stream) => store.append(stream, 4n, newEvents(1))));
    expect(calls.size).to.equal(3);
  });

  it('sends appends of one stream on one call, in their order', async () => {
    const revisions: string[][] = [];
    const store = await openAt({
      batchAppend: (call) => {
        const received: string[] = [];
        revisions.push(received);
        call.on('data', (request: BatchAppendReq) => {
          received.push(request.getOptions()?.getStreamPosition() ?? '');
          call.write(succeeded(request));
        });
      },
    });
    const expected = Array.from({ length: 20 }, (_, index) => BigInt(index));
    await Promise.all(expected.map((revision) => store.append('one', revision, newEvents(1))));
    expect(revisions).to.deep.equal([expected.map(String)]);
  });

  for (const [kind, script] of [
    ['in a batch call', { batchAppend: (call) => call.resume() }],
    ['in a call of its own', { append: (call) => call.resume() }],
  ] as [string, Script][]) {
    it(`does not wait for ever for a response ${kind} when it is closed`, async () => {
      const store = await openAt(script, { drainTimeoutMs: 100 });
      const pending = rejectionOf(store.append('asked', 4n, newEvents(2), { timeoutMs: 60_000 }));
      await store.close();
      expect(await pending).to.be.instanceOf(OutcomeUnknownError);
    });
  }
});
