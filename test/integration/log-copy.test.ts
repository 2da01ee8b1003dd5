import { expect } from 'chai';
import { createEmbeddedEventStore } from '../../src/adapters/embedded/event-store.js';
import { readLogIdentity } from '../../src/compose/log-identity.js';
import { OutcomeUnknownError, StreamDeletedError } from '../../src/ports/errors.js';
import type { EventStore } from '../../src/ports/event-store.js';
import { rawEvent, rawEvents } from '../support/event-log.js';
import {
  awkwardLog,
  copiedEvents,
  embeddedCopyTarget,
  laterEvents,
  oneMore,
  runCopy,
  seenRevisions,
  serverCopyTarget,
  type CopyTarget,
} from '../support/log-copying.js';
import { rejectionOf } from '../support/rejection-of.js';

const withoutMetadata = <T extends { readonly stream: string }>(events: readonly T[]): T[] =>
  events.filter(({ stream }) => !stream.startsWith('$$'));

describe('a copy of a log', () => {
  let source: Awaited<ReturnType<typeof awkwardLog>>;
  let store: EventStore;
  const open: CopyTarget[] = [];
  const opened = <Target extends CopyTarget>(target: Target): Target => {
    open.push(target);
    return target;
  };

  beforeEach(async () => {
    source = await awkwardLog();
    store = createEmbeddedEventStore(source.log);
  });
  afterEach(async () => {
    for (const target of open.splice(0)) await target.stop();
    await source.remove();
  });

  it('holds in a directory every event as it was, with revisions, times, metadata and tombstones', async () => {
    const { target } = opened(await embeddedCopyTarget());
    const { equal, printed } = await runCopy(store, target);
    expect(equal, printed.join('\n')).to.equal(true);
    expect(await copiedEvents(target.store)).to.deep.equal(await copiedEvents(store));
  });

  it('holds on a server every event in log order, with its original time in the metadata', async () => {
    const { target } = opened(await serverCopyTarget());
    const { equal, printed } = await runCopy(store, target);
    expect(equal, printed.join('\n')).to.equal(true);
    const [expected, found] = await Promise.all([copiedEvents(store), copiedEvents(target.store)]);
    const isTombstone = ({ type }: { type: string }) => type === '$streamDeleted';
    expect(withoutMetadata(found).filter((event) => !isTombstone(event))).to.deep.equal(
      withoutMetadata(expected).filter((event) => !isTombstone(event)),
    );
  });

  for (const [title, openTarget] of [
    ['in a directory', embeddedCopyTarget],
    ['on a server', () => serverCopyTarget()],
  ] as const) {
    it(`shows readers of each stream the same ${title}`, async () => {
      const { target } = opened(await openTarget());
      await runCopy(store, target);
      const seen = (stream: string) => seenRevisions(target.store, stream);
      expect(await seen('limited-1')).to.deep.equal([3, 4]);
      expect(await seen('truncated-1')).to.deep.equal([3]);
      expect(await seen('deleted-1')).to.deep.equal([]);
      expect(await seen('revived-1')).to.deep.equal([2, 3]);
      expect(await seen('scavenged-1')).to.deep.equal([7, 8, 9]);
      expect(await rejectionOf(seen('ended-1'))).to.be.instanceOf(StreamDeletedError);
    });

    it(`is another log than its source ${title}, without what is derived from the source`, async () => {
      const { target } = opened(await openTarget());
      const { logId } = (await runCopy(store, target)) as { logId?: string };
      expect(await readLogIdentity(target.store))
        .to.equal(logId)
        .and.not.equal('the-source');
      for (const derived of ['bridge-checkpoint-x', 'snapshot-anime-1-f']) {
        expect(await target.store.head(derived)).to.equal('no_stream');
      }
    });

    it(`takes in the rest when it is repeated ${title}, and nothing twice`, async () => {
      const { target } = opened(await openTarget());
      await runCopy(store, target);
      await source.log.append('anime-1', 'any', rawEvents(2));
      await oneMore(source.log, 'deleted-1');
      await source.log.append('$$limited-1', 'any', rawEvents(1));
      const again = await runCopy(store, target);
      expect(again.equal, again.printed.join('\n')).to.equal(true);
      expect(await seenRevisions(target.store, 'deleted-1')).to.deep.equal([2]);
      expect(await seenRevisions(target.store, 'anime-1')).to.have.lengthOf(8);
      expect(await runCopy(store, target)).to.deep.include({ equal: true, written: 0 });
    });

    it(`goes on ${title} after it ended before its first checkpoint`, async () => {
      const { target } = opened(await openTarget());
      const stopping = new AbortController();
      let events = 0;
      const stopped = {
        ...target,
        write: async (page: Parameters<typeof target.write>[0]) => {
          for (const event of page) {
            if ((events += 1) > 20) stopping.abort();
            stopping.signal.throwIfAborted();
            await target.write([event]);
          }
          return page.length;
        },
      };
      await rejectionOf(runCopy(store, stopped, stopping.signal));
      const { equal, printed } = await runCopy(store, target);
      expect(equal, printed.join('\n')).to.equal(true);
      expect(await seenRevisions(target.store, 'anime-1')).to.have.lengthOf(6);
    });

    it(`names the stream in which the target has events of its own ${title}`, async () => {
      const { target, log } = opened(await openTarget());
      await oneMore(log, 'anime-1');
      expect(await rejectionOf(runCopy(store, target))).to.include({
        code: 'REFUSED',
        message:
          'The target has events of its own in the stream anime-1, at revision 0: copy to an event store of its own.',
      });
    });

    it(`says in which stream the target differs ${title}`, async () => {
      const { target, log } = opened(await openTarget());
      await runCopy(store, target);
      await oneMore(log, 'orders-ü 1');
      const { equal, printed } = await runCopy(store, target);
      expect(equal).to.equal(false);
      expect(printed[0]).to.equal('different: stream orders-ü 1');
      expect(printed[1]).to.match(/^ {2}the source has 3 events up to revision 2, SHA-256 /);
      expect(printed[2]).to.match(/^ {2}the target has 4 events up to revision 3, SHA-256 /);
    });
  }

  it('is refused where both places are the same log', async () => {
    const { target, log } = opened(await embeddedCopyTarget());
    await log.append('log-identity', 'no_stream', [
      rawEvent({ type: 'LogIdentified', data: Buffer.from('{"logId":"the-source"}') }),
    ]);
    const error = await rejectionOf(runCopy(store, target));
    expect(error).to.include({ code: 'REFUSED' });
    expect(String(error)).to.contain('--from and --to are the same log');
  });

  it('is refused where its source was restored from an older backup since', async () => {
    const { target } = opened(await embeddedCopyTarget());
    const short: EventStore = {
      ...store,
      readAll: async (options) =>
        options.direction === 'backwards'
          ? (await store.readAll({ direction: 'forwards', limit: 5 })).slice(-1)
          : store.readAll(options),
    };
    await runCopy(store, target);
    const error = await rejectionOf(runCopy(short, target));
    expect(String(error)).to.contain('it was restored from an older backup');
  });

  it('holds an event once where the answer of its append was lost', async () => {
    let lost = 0;
    const { target } = opened(
      await serverCopyTarget((real) => ({
        ...real,
        append: async (stream, expected, events, options) => {
          const result = await real.append(stream, expected, events, options);
          if ((lost += 1) % 3 === 0) throw new OutcomeUnknownError('The answer was lost.');
          return result;
        },
      })),
    );
    const { equal, printed } = await runCopy(store, target);
    expect(equal, printed.join('\n')).to.equal(true);
    expect(await seenRevisions(target.store, 'anime-1')).to.have.lengthOf(6);
  });

  it('keeps revisions on a server where a scavenge took events between two runs', async () => {
    const { target } = opened(await serverCopyTarget());
    await runCopy(store, target);
    await source.log.copy(laterEvents('scavenged-1', 20, 3));
    const { equal, printed } = await runCopy(store, target);
    expect(equal, printed.join('\n')).to.equal(true);
    expect(await seenRevisions(target.store, 'scavenged-1')).to.deep.equal([20, 21, 22]);
  });

  it('brings everything back from a server to a directory', async () => {
    const server = opened(await serverCopyTarget());
    await runCopy(store, server.target);
    const { target } = opened(await embeddedCopyTarget());
    const { equal, printed } = await runCopy(server.target.store, target);
    expect(equal, printed.join('\n')).to.equal(true);
    const there = withoutMetadata(await copiedEvents(store)).filter(
      ({ type }) => type !== '$streamDeleted',
    );
    const back = withoutMetadata(await copiedEvents(target.store)).filter(
      ({ type }) => type !== '$streamDeleted',
    );
    expect(back).to.deep.equal(there);
  });
});
