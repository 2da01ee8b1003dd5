import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { createEmbeddedEventStore } from '../../src/adapters/embedded/event-store.js';
import { createEventStoreDbStore } from '../../src/adapters/eventstoredb/event-store.js';
import { serverTarget } from '../../src/jobs/log-copy/server-target.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { StreamDeletedError } from '../../src/ports/errors.js';
import type { EventStore } from '../../src/ports/event-store.js';
import { rawEvents } from '../support/event-log.js';
import { awkwardLog, runCopy, seenRevisions } from '../support/log-copying.js';
import { rejectionOf } from '../support/rejection-of.js';
import { openEventStoreDb } from '../support/stack/event-store.js';
import { orSkip, type StackServer } from '../support/stack/server.js';

/** The streams have names of their own: others use the server, too. */
describe('a copy of a log on EventStoreDB', function () {
  this.timeout(300_000);
  const prefix = `copy_${randomUUID().slice(0, 8)}_`;
  let server: StackServer | undefined;
  let source: Awaited<ReturnType<typeof awkwardLog>>;
  let target: EventStore;

  before(async function () {
    server = await orSkip(this, 'eventstoredb-server', openEventStoreDb);
    source = await awkwardLog(prefix);
    const connectionString = server.address;
    target = createEventStoreDbStore({ connectionString, logger: silentLogger() });
  });
  after(async () => {
    if (server === undefined) return;
    await target.close();
    await source.remove();
  });

  const copy = () =>
    runCopy(
      createEmbeddedEventStore(source.log),
      serverTarget(target, new AbortController().signal),
    );
  const seen = (stream: string) => seenRevisions(target, `${prefix}${stream}`);

  it('equals its source, also when it is repeated', async () => {
    const first = await copy();
    expect(first.equal, first.printed.join('\n')).to.equal(true);
    await source.log.append(`${prefix}deleted-1`, 'any', rawEvents(1));
    await source.log.append(`${prefix}anime-1`, 'any', rawEvents(1));
    const second = await copy();
    expect(second.equal, second.printed.join('\n')).to.equal(true);
    expect(await copy()).to.deep.include({ equal: true, written: 0 });
  });

  it('shows readers of each stream what the source shows', async () => {
    expect(await seen('anime-1')).to.deep.equal([0, 1, 2, 3, 4, 5, 6]);
    expect(await seen('limited-1')).to.deep.equal([3, 4]);
    expect(await seen('truncated-1')).to.deep.equal([3]);
    expect(await seen('deleted-1')).to.deep.equal([2]);
    expect(await seen('revived-1')).to.deep.equal([2, 3]);
    expect(await seen('scavenged-1')).to.deep.equal([7, 8, 9]);
    expect(await rejectionOf(seen('ended-1'))).to.be.instanceOf(StreamDeletedError);
  });
});
