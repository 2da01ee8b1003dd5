import { Readable } from 'node:stream';
import { expect } from 'chai';
import { createEmbeddedEventStore } from '../../src/adapters/embedded/event-store.js';
import { checkpointStreamOf } from '../../src/bridge/checkpoint.js';
import { snapshotStreamOf } from '../../src/command-side/handling/snapshots.js';
import { LOG_IDENTITY_STREAM } from '../../src/compose/log-identity.js';
import { projectionDefinitions } from '../../src/compose/projections.js';
import { isAnimeId } from '../../src/domain/ids.js';
import { isForCopy } from '../../src/jobs/log-copy/copied-events.js';
import { importEvents } from '../../src/jobs/log-copy/import-events.js';
import { toExportedLine } from '../../src/wire/exported-event.js';
import {
  awkwardLog,
  copiedEvents,
  embeddedCopyTarget,
  oneMore,
  recordingOutput,
  seenRevisions,
  serverCopyTarget,
  type CopyTarget,
} from '../support/log-copying.js';
import { rejectionOf } from '../support/rejection-of.js';

const { signal } = new AbortController();

describe('an import of exported events', () => {
  let source: Awaited<ReturnType<typeof awkwardLog>>;
  let lines: readonly string[];
  const open: CopyTarget[] = [];
  const opened = async <Target extends CopyTarget>(target: Promise<Target>): Promise<Target> => {
    const ready = await target;
    open.push(ready);
    return ready;
  };

  beforeEach(async () => {
    source = await awkwardLog();
    const store = createEmbeddedEventStore(source.log);
    const events = await store.readAll({ direction: 'forwards', limit: 1_000 });
    lines = events.map(toExportedLine);
  });
  afterEach(async () => {
    for (const target of open.splice(0)) await target.stop();
    await source.remove();
  });

  const importFrom = async (
    { target }: CopyTarget,
    exported: readonly string[],
    stop: AbortSignal = signal,
  ) => {
    const output = recordingOutput();
    const from = Readable.from([Buffer.from(exported.join(''))]);
    const file = { from, name: 'events.ndjson', bytes: 0, bytesRead: () => 0 };
    const equal = await importEvents({ ...file, target, signal: stop, output });
    return { equal, printed: output.printed, ...output.reported() };
  };

  it('restores in a directory every event as it was exported', async () => {
    const target = await opened(embeddedCopyTarget());
    const { equal, printed } = await importFrom(target, lines);
    expect(equal, printed.join('\n')).to.equal(true);
    expect(await copiedEvents(target.target.store)).to.deep.equal(
      await copiedEvents(createEmbeddedEventStore(source.log)),
    );
  });

  it('shows readers of a server what the source showed', async () => {
    const target = await opened(serverCopyTarget());
    const { equal, printed } = await importFrom(target, lines);
    expect(equal, printed.join('\n')).to.equal(true);
    const seen = (stream: string) => seenRevisions(target.target.store, stream);
    expect(await seen('scavenged-1')).to.deep.equal([7, 8, 9]);
    expect(await seen('revived-1')).to.deep.equal([2, 3]);
  });

  it('may be repeated after it was interrupted, and writes nothing twice', async () => {
    const target = await opened(embeddedCopyTarget());
    const cut = [...lines.slice(0, 9), '{"position":'];
    const error = await rejectionOf(importFrom(target, cut));
    expect(error).to.include({
      message: 'events.ndjson, line 10: this is no exported event, for it is no JSON object.',
    });
    const whole = await importFrom(target, lines);
    expect(whole.equal, whole.printed.join('\n')).to.equal(true);
    expect(await importFrom(target, lines)).to.include({ equal: true, written: 0 });
  });

  it('is refused where the event store has events of its own', async () => {
    const target = await opened(embeddedCopyTarget());
    await oneMore(target.log, 'orders-9');
    expect(await rejectionOf(importFrom(target, lines))).to.include({
      code: 'REFUSED',
      message:
        'The event store is not empty: import events into one of its own (DATA_DIR, EVENTSTORE_URL).',
    });
  });
});

describe('what is copied of a log', () => {
  const isCopied = (stream: string) => isForCopy({ stream });

  it('leaves out streams of the server, and what the service makes of a log or for it', () => {
    const anime = 1;
    if (!isAnimeId(anime)) throw new Error('1 is the id of an anime.');
    const derived = [
      LOG_IDENTITY_STREAM,
      checkpointStreamOf('main'),
      snapshotStreamOf(anime),
      'ratings-1',
      'user-timeline-a',
      '$ce-anime',
    ];
    for (const stream of derived) {
      expect([isCopied(stream), isCopied(`$$${stream}`)], stream).to.deep.equal([false, false]);
    }
  });

  it('leaves out what our projections emit', async () => {
    for (const { query, emit } of await projectionDefinitions()) {
      const names = [...query.matchAll(/(?:emit|linkTo)\('([a-z-]+)'/g)].map(([, name]) => name);
      if (emit) expect(names).to.not.be.empty;
      for (const name of names) expect(isCopied(`${name}1`), name).to.equal(false);
    }
  });

  it('takes streams of anime and of other programs, and their metadata', () => {
    for (const stream of ['anime-1', 'orders-1', '$$anime-1', 'ratings', 'snapshots']) {
      expect(isCopied(stream), stream).to.equal(true);
    }
  });
});
