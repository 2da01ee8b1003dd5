import {
  ANY,
  binaryEvent,
  jsonEvent,
  type EventStoreDBClient,
  type ProjectionDetails,
} from '@eventstore/db-client';
import { eventually } from '../../../support/eventually.js';
import { EMITTING, PARTITIONS, QUERIES, STREAMS } from './texts.js';

const USERS = ['ann', 'bob', 'cleo'];

const idOf = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

const events = (stream: string, count: number, first: number) =>
  Array.from({ length: count }, (_, index) => {
    const n = first + index;
    const by = USERS[n % 3] ?? '';
    const metadata = { $correlationId: idOf(900_000 + n), trace: n };
    return n % 4 === 3
      ? jsonEvent({
          id: idOf(n),
          type: 'Rated',
          data: { stars: (n % 5) + 1, by, stream },
          metadata,
        })
      : jsonEvent({ id: idOf(n), type: 'Clicked', data: { n, by }, metadata });
  });

const ODD = [
  jsonEvent({ id: idOf(400), type: 'Text', data: 'a string' }),
  jsonEvent({ id: idOf(401), type: 'List', data: [1, 2] }),
  jsonEvent({ id: idOf(402), type: 'Null', data: null as never }),
  binaryEvent({ id: idOf(403), type: 'Bytes', data: Buffer.from([1, 2, 3]) }),
  binaryEvent({ id: idOf(404), type: 'JsonAsBytes', data: Buffer.from('{"a":1}') }),
  jsonEvent({
    id: idOf(405),
    type: 'Deep',
    data: { __proto__x: 1, big: 9007199254740991, f: 0.1, t: true },
  }),
];

/** A response in the form of the recorded file. */
const written = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? `${each}n` : each));

const failure = (error: unknown) => {
  const { type, code, message } = Object(error) as Record<string, unknown>;
  const [first = ''] = String(message).split('\n');
  const short = first.replace(/(DEADLINE_EXCEEDED).*/, '$1').slice(0, 140);
  return { error: type ?? code, message: short };
};

/** The sentences of a fault, without the server's stack. */
const reasonIn = (stateReason: string): string =>
  stateReason
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '' && !/^\s*at /.test(line))
    .slice(0, 6)
    .join(' / ')
    .replace(/\d\d:\d\d:\d\d\.\d+/g, 'TIME')
    .slice(0, 400);

const OF_SERVER = ['$v', '$c', '$o', '$causedBy', '$correlationId'];

const metadataIn = (metadata: unknown) => {
  const all = Object.entries(
    typeof metadata === 'object' && metadata !== null && !(metadata instanceof Uint8Array)
      ? metadata
      : {},
  );
  const names = all.map(([name]) => name);
  const given = OF_SERVER.filter((name) => names.includes(name)).join(' ');
  return [given, Object.fromEntries(all.filter(([name]) => !OF_SERVER.includes(name)))];
};

/** Asks everything in order: later questions depend on earlier ones. */
export const askProjections = async (client: EventStoreDBClient): Promise<string[]> => {
  const lines: string[] = [];
  const say = (question: string, answer: unknown): void => {
    lines.push(`${question}: ${written(answer)}`);
  };

  const statusOf = async (name: string): Promise<ProjectionDetails | undefined> =>
    (await client.listProjections()).find((each) => each.name === name);

  /** Until nothing is left to read for those that run, and all others have stopped. */
  const settled = (): Promise<void> =>
    eventually(
      async () => {
        const ours = (await client.listProjections()).filter(({ name }) => name in QUERIES);
        const busy = ours.filter((each) => !isSettled(each));
        if (busy.length > 0) throw new Error(busy.map(({ name }) => name).join());
      },
      { withinMs: 20_000 },
    );

  const ofPartition = async (name: string, partition: string | undefined): Promise<void> => {
    const options = partition === undefined ? {} : { partition };
    const label = partition === undefined ? name : `${name}[${partition}]`;
    say(`${label} state`, await client.getProjectionState(name, options).catch(failure));
    say(`${label} result`, await client.getProjectionResult(name, options).catch(failure));
  };

  const ofProjection = async (name: string): Promise<void> => {
    const status = await statusOf(name);
    if (status === undefined) {
      say(`${name} status`, null);
      return;
    }
    say(`${name} status`, [status.status, reasonIn(status.stateReason)]);
    for (const partition of PARTITIONS[name] ?? [undefined]) await ofPartition(name, partition);
  };

  const ofStream = async (stream: string): Promise<void> => {
    try {
      const read = client.readStream(stream, { maxCount: 12, resolveLinkTos: false });
      for await (const { event } of read) {
        const data =
          event?.data instanceof Uint8Array
            ? `raw ${Buffer.from(event.data).toString('utf8')}`
            : event?.data;
        const revision = String(event?.revision);
        say(`stream ${stream}@${revision}`, [event?.type, data, ...metadataIn(event?.metadata)]);
      }
    } catch (error) {
      say(`stream ${stream}`, failure(error));
    }
  };

  const askAll = async (title: string): Promise<void> => {
    await settled();
    lines.push(`== ${title}`);
    for (const name of Object.keys(QUERIES)) await ofProjection(name);
    for (const stream of STREAMS) await ofStream(stream);
  };

  const append = (
    stream: string,
    ...given: Parameters<typeof events> extends [string, ...infer R] ? R : never
  ) => client.appendToStream(stream, events(stream, ...given), { expectedRevision: ANY });

  const given = async (): Promise<void> => {
    for (const name of ['$streams', '$stream_by_category', '$by_correlation_id']) {
      await client.enableProjection(name);
    }
    await append('movie-1', 24, 0);
    await append('movie-2', 16, 100);
    await append('book-1', 4, 200);
    await append('movie-3', 6, 300);
    await client.appendToStream('odd-1', ODD, { expectedRevision: ANY });
    for (const [name, query] of Object.entries(QUERIES)) {
      const options = { emitEnabled: EMITTING.has(name), trackEmittedStreams: false };
      await client.createProjection(name, query, options).catch((error: unknown) => {
        say(`create ${name}`, failure(error));
      });
    }
    const again = client.createProjection('count-each', QUERIES['count-each'] ?? '');
    say('create twice', await again.then(() => 'ok', failure));
  };

  const updated = async (): Promise<void> => {
    await client.updateProjection(
      'count-stream',
      `fromStream('movie-1').when({ $init: () => ({ n: 0 }), Clicked: (s) => { s.n += 10; return s; } })`,
    );
    await append('movie-1', 4, 24);
    await settled();
    say('updated, not reset', await client.getProjectionState('count-stream'));
    await client.resetProjection('count-stream');
    await settled();
    say('reset', await client.getProjectionState('count-stream').catch(failure));
    say('reset status', (await statusOf('count-stream'))?.status);
    await client.enableProjection('count-stream');
    await settled();
    say('reset and enabled', await client.getProjectionState('count-stream').catch(failure));
    await client.resetProjection('emits');
    await client.enableProjection('emits');
  };

  const ended = async (): Promise<void> => {
    const first = { partition: 'movie-1' };
    await client.disableProjection('count-each');
    await settled();
    say('disabled', (await statusOf('count-each'))?.status);
    say(
      'state while disabled',
      await client.getProjectionState('count-each', first).catch(failure),
    );
    await client.abortProjection('any-each');
    await settled();
    say('aborted', (await statusOf('any-each'))?.status);
    await client.deleteProjection('count-each');
    say('deleted', (await statusOf('count-each')) ?? null);
    say('state after delete', await client.getProjectionState('count-each', first).catch(failure));
  };

  const ofNone = async (): Promise<void> => {
    const calls = [
      'enableProjection',
      'disableProjection',
      'resetProjection',
      'deleteProjection',
      'abortProjection',
    ] as const;
    for (const call of calls) {
      say(`${call} of none`, await client[call]('none-such').then(() => 'ok', failure));
    }
    const update = client.updateProjection('none-such', 'fromAll()');
    say('update of none', await update.then(() => 'ok', failure));
    say('state of none', await client.getProjectionState('none-such').then(() => 'ok', failure));
  };

  await given();
  await askAll('caught up');
  await append('movie-2', 4, 116);
  await client.deleteStream('movie-3');
  await client.tombstoneStream('book-1');
  await askAll('four more, movie-3 deleted, book-1 tombstoned');
  await updated();
  await askAll('emits reset');
  await ended();
  await ofNone();
  say('list', (await client.listProjections()).map(({ name }) => name).sort());
  return lines;
};

const isSettled = ({ status, progress, writesInProgress }: ProjectionDetails): boolean =>
  status === 'Running'
    ? progress >= 100 && writesInProgress === 0
    : /^(Stopped|Aborted|Faulted|Completed)/.test(status);
