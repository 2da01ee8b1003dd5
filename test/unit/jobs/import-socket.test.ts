import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import fc from 'fast-check';
import { importCatalog, listThrough, type ListTitle } from '../../../src/import/catalog-import.js';
import { openServiceListing } from '../../../src/jobs/import-client.js';
import {
  encodeTitle,
  IMPORT_PROTOCOL,
  serverDigests,
  titlesFrame,
} from '../../../src/jobs/socket-protocol.js';
import { loadConfig } from '../../../src/platform/config/config.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import { PortError, TooLargeError, UnavailableError } from '../../../src/ports/errors.js';
import { handlerOver } from '../../support/command-handler.js';
import { eventually } from '../../support/eventually.js';
import { animeId, AT, commands } from '../../support/examples.js';
import { inMemoryEventStore } from '../../support/in-memory-event-store.js';
import { jobSockets } from '../../support/job-sockets.js';
import { rejectionOf } from '../../support/rejection-of.js';

describe('an import through the socket of a service', () => {
  let sockets: Awaited<ReturnType<typeof jobSockets>>;

  beforeEach(async () => {
    sockets = await jobSockets();
  });
  afterEach(() => sockets.close());

  const open = async (list: ListTitle, settings: Readonly<Record<string, string>> = {}) => {
    const socket = await sockets.open({ openImport: () => Promise.resolve(list) });
    const connectClient = async () => {
      const client = loadConfig({ NODE_ENV: 'test', DATA_DIR: sockets.directory, ...settings });
      const listing = await openServiceListing(socket.path, client);
      sockets.closeLater(listing.close);
      return listing;
    };
    return { ...socket, connectClient };
  };

  const title = (id: number) => ({ ...commands.list, animeId: animeId(id), relist: false });

  /** Titles that are in flight until the test settles them. */
  const held = () => {
    const begun = new Map<number, () => void>();
    const list: ListTitle = ({ animeId: id }) =>
      new Promise((resolve) => begun.set(id, () => resolve('listed')));
    const settleAll = (): void => {
      for (const settle of begun.values()) settle();
    };
    return { begun, list, settleAll };
  };

  const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

  it('returns the outcome of each title, in whatever order they come', async () => {
    const { begun, list } = held();
    const { connectClient } = await open(list);
    const { list: listRemote } = await connectClient();
    const settled: number[] = [];
    const all = [3, 1, 2].map((id) => listRemote(title(id)).then(() => void settled.push(id)));
    await eventually(() => expect(begun.size).to.equal(3));
    for (const id of [2, 3, 1]) {
      begun.get(id)?.();
      await eventually(() => expect(settled).to.include(id));
    }
    await Promise.all(all);
    expect(settled).to.deep.equal([2, 3, 1]);
  });

  it('fails a title as the service does, and lists the others', async () => {
    const { connectClient } = await open(({ animeId: id }) =>
      id === 1 ? Promise.reject(new TooLargeError('Too large.')) : Promise.resolve('revised'),
    );
    const { list } = await connectClient();
    const [failed, revised] = await Promise.all([rejectionOf(list(title(1))), list(title(2))]);
    expect(failed).to.be.instanceOf(PortError);
    expect(failed).to.include({ code: 'TOO_LARGE', message: 'Too large.', retriable: false });
    expect(revised).to.equal('revised');
  });

  it('is ended by a bug in the service, whose log has it', async () => {
    const { connectClient } = await open(() => Promise.reject(new TypeError('A bug.')));
    const { list } = await connectClient();
    const error = await rejectionOf(list(title(1)));
    expect(error).to.include({ code: 'UNAVAILABLE', retriable: false });
    expect(error).to.have.property('message', 'A bug. See the log of the service.');
  });

  it('finishes the titles in flight when the service stops, and fails those that follow', async () => {
    const { begun, list, settleAll } = held();
    const { connectClient, close } = await open(list);
    const client = await connectClient();
    const all = Promise.all(numbers(100).map((id) => client.list(title(id))));
    await eventually(() => expect(begun.size).to.equal(100));
    const closed = close();
    const late = rejectionOf(client.list(title(101)));
    settleAll();
    expect(new Set(await all)).to.deep.equal(new Set(['listed']));
    expect(await late)
      .to.include({ code: 'UNAVAILABLE', retriable: false })
      .and.to.have.property('message')
      .that.equals('The service is stopping: run the job again once it is back.');
    await closed;
    expect(begun.size).to.equal(100);
  });

  const request = (config: ReturnType<typeof loadConfig>, protocol?: number): string =>
    `${JSON.stringify({ args: ['import-catalog'], servers: serverDigests(config), protocol })}\n`;

  it('finishes the titles in flight of a client that is killed', async () => {
    const { begun, list, settleAll } = held();
    const { path, config, close } = await open(list);
    const socket = connect(path).on('error', () => undefined);
    socket.write(request(config, IMPORT_PROTOCOL));
    await once(socket, 'data');
    socket.write(`${titlesFrame(numbers(3).map((id) => encodeTitle(id, title(id))))}\n`);
    await eventually(() => expect(begun.size).to.equal(3));
    socket.destroy();
    let isClosed = false;
    const closed = close().then(() => (isClosed = true));
    await nextTurn();
    expect(isClosed).to.equal(false);
    settleAll();
    await closed;
  });

  it('takes no more titles than the service can have in flight', async () => {
    const { begun, list, settleAll } = held();
    const { connectClient } = await open(list);
    const client = await connectClient();
    const all = Promise.all(numbers(3000).map((id) => client.list(title(id))));
    await eventually(() => expect(begun.size).to.be.at.least(512));
    expect(begun.size).to.be.below(512 + 64);
    await eventually(() => {
      settleAll();
      expect(begun.size).to.equal(3000);
    });
    settleAll();
    await all;
  });

  it('is refused on titles that cannot be read, or lines that are too long', async () => {
    const { path, config, connectClient } = await open(() => Promise.resolve('listed'));
    for (const [hostile, sentence] of [
      ['{"titles":[1]}\n', 'The titles of the import cannot be read.'],
      ['x'.repeat(300_000), 'A line is longer than 262144 characters.'],
    ] as const) {
      const socket = connect(path).on('error', () => undefined);
      socket.write(request(config, IMPORT_PROTOCOL));
      socket.write(hostile);
      expect(await text(socket)).to.contain(sentence);
    }
    expect(await (await connectClient()).list(title(1))).to.equal('listed');
  });

  it('is refused where client and service have different protocols', async () => {
    const { path, config } = await open(() => Promise.resolve('listed'));
    for (const protocol of [undefined, IMPORT_PROTOCOL + 1]) {
      const socket = connect(path);
      socket.write(request(config, protocol));
      expect(await text(socket)).to.contain('use the release of the service');
    }
  });

  it('concerns no server but the event store', async () => {
    const { connectClient } = await open(() => Promise.resolve('listed'), {
      KAFKA_BROKERS: '127.0.0.1:1',
    });
    expect(await (await connectClient()).list(title(1))).to.equal('listed');
  });

  it('is refused for another event store', async () => {
    const { connectClient } = await open(() => Promise.resolve('listed'), {
      EVENTSTORE_URL: 'esdb://127.0.0.1:1?tls=false',
    });
    expect(await rejectionOf(connectClient()))
      .to.have.property('message')
      .that.matches(/^EVENTSTORE_URL: the service that owns DATA_DIR has different values/);
  });

  it('reports the same as an import without a service', async () => {
    const row = fc.oneof(
      fc.tuple(
        fc.integer({ min: 1, max: 12 }),
        fc.constantFrom('A', 'B', ''),
        fc.constantFrom('8', '11', ''),
      ),
      fc.tuple(fc.constantFrom(0, -1), fc.constant('A'), fc.constant('1')),
    );
    let list: ListTitle = () => Promise.reject(new UnavailableError('Not open.'));
    const { connectClient } = await open((command) => list(command));
    const remote = await connectClient();
    const prepared = async () => {
      const { handler, send } = handlerOver(inMemoryEventStore());
      await send(title(1));
      await send({ ...commands.delist, animeId: animeId(1) });
      await send(title(2));
      return listThrough(handler, 'import');
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { maxLength: 30 }),
        fc.boolean(),
        fc.boolean(),
        async (rows, relist, clear) => {
          const lines = ['anime_id,name,score', '3,First,7', ...rows.map((cells) => cells.join())];
          const run = (listOne: ListTitle) =>
            importCatalog({
              source: (async function* () {
                await Promise.resolve();
                yield Buffer.from(lines.join('\n'));
              })(),
              list: listOne,
              now: () => Date.parse(AT),
              logger: silentLogger(),
              relist,
              clear,
            });
          const direct = await run(await prepared());
          list = await prepared();
          expect(sorted(await run(remote.list))).to.deep.equal(sorted(direct));
        },
      ),
      { numRuns: 25 },
    );
  });
});

/** Delisted titles are noted in the order in which their outcomes come. */
const sorted = ({ delisted, ...report }: Awaited<ReturnType<typeof importCatalog>>) => ({
  ...report,
  delisted: { ...delisted, first: [...delisted.first].sort((a, b) => a.line - b.line) },
});
