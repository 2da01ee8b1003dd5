import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { listRequest } from '../bench/support/http-request.js';
import { runCommandLine } from '../test/support/command-line.js';
import { startEmbeddedNode } from '../test/support/embedded-node.js';
import { eventually } from '../test/support/eventually.js';
import { query, send as request } from '../test/support/http-client.js';
import { openOtlpReceiver } from '../test/support/otlp-receiver.js';
import { startServiceProcess, type ServiceProcess } from '../test/support/service-process.js';
import { temporaryDirectory } from '../test/support/temporary-directory.js';
import { nothingSent, send, singlesAndBatches } from './support/load.js';

/**
 * The life of a service: commands on one machine, a backup meanwhile that is restored elsewhere, the move
 * of its log to another event store over the protocol, the audit there, a person who is erased, an export
 * and a trace. Exits 1 where a step does not do what it promises.
 */

const { values } = parseArgs({ options: { commands: { type: 'string', default: '50000' } } });
const total = Number(values.commands);
const ANIMES = Array.from({ length: 1000 }, (_, index) => index + 1);
const PERSON = 'spike.spiegel@bebop.example';
const TRACE_ID = randomBytes(16).toString('hex');

const say = (step: string, data: object): void => console.log(JSON.stringify({ step, ...data }));

const assertThat = (isRight: boolean, what: string): void => {
  if (!isRight) throw new Error(`${what}.`);
};

const portOf = (url: string): number => Number(new URL(url).port);

const settled = ({ queryUrl }: ServiceProcess): Promise<void> =>
  eventually(
    async () => {
      const { serviceInfo } = await query(queryUrl, '{ serviceInfo { lagEvents } }');
      const { lagEvents } = serviceInfo as { readonly lagEvents: number | null };
      if (lagEvents !== 0) throw new Error('The read models lag.');
    },
    { withinMs: 120_000 },
  );

/** What a stranger would find in the files, whatever else is in them. */
const filesWith = async (directory: string, text: string): Promise<string[]> => {
  const names = await readdir(directory, { recursive: true });
  const found = await Promise.all(
    names.map(async (name) => {
      const path = join(directory, name);
      if (!(await stat(path)).isFile()) return [];
      return (await readFile(path)).includes(text) ? [name] : [];
    }),
  );
  return found.flat();
};

const directory = await temporaryDirectory();
const placeOf = (name: string): string => join(directory.path, name);
const receiver = await openOtlpReceiver();
const environment: NodeJS.ProcessEnv = {
  NODE_ENV: 'test',
  USER_ID_PROTECTION: 'encrypt',
  USER_ID_MASTER_KEY: randomBytes(32).toString('base64'),
};
const job = async (
  dataDir: string,
  args: readonly string[],
  more: NodeJS.ProcessEnv = {},
): Promise<string> => {
  const ran = await runCommandLine(args, { ...environment, DATA_DIR: dataDir, ...more });
  assertThat(
    ran.code === 0,
    `${args.join(' ')} exited with ${ran.code}: ${ran.errors}${ran.output}`,
  );
  return ran.output;
};
/** The key store is backed up and moved apart from the log. */
const copyKeys = async (from: string, to: string): Promise<void> => {
  await mkdir(placeOf(to), { recursive: true, mode: 0o700 });
  await copyFile(placeOf(`${from}/user-keys.db`), placeOf(`${to}/user-keys.db`));
};
const lastLine = (output: string): string => output.trim().split('\n').at(-1) ?? '';
const firstLine = (output: string): string => output.split('\n', 1)[0] ?? '';

const node = await startEmbeddedNode({ dataDir: placeOf('node') });
let service = await startServiceProcess({ dataDir: placeOf('first'), environment });

const totals = async (): Promise<{ readonly totalClicks: number }> => {
  const { animeStats } = await query(
    service.queryUrl,
    '{ animeStats(animeId: 1) { totalClicks totalViews totalRatings averageRating } }',
  );
  return animeStats as { readonly totalClicks: number };
};

try {
  const listing = ANIMES.map(listRequest);
  const list = () => ({ request: listing.shift() ?? listRequest(1), commands: 1 });
  await send(portOf(service.commandUrl), list, ANIMES.length, nothingSent());
  const person = { anime_id: 1, user_id: PERSON };
  await request('POST', `${service.commandUrl}/click`, person);

  const sent = nothingSent();
  const load = send(portOf(service.commandUrl), singlesAndBatches(ANIMES), total, sent);
  await eventually(
    () => assertThat(sent.acknowledged.length > total / 2, 'Half of the commands are not sent'),
    { withinMs: 600_000 },
  );
  const backup = await job(placeOf('first'), ['backup', placeOf('backup')]);
  await load;
  say('commands, and a backup meanwhile', {
    acknowledged: sent.acknowledged.length,
    statuses: sent.statuses,
    backup: lastLine(backup),
  });

  say('restored elsewhere', {
    restore: lastLine(await job(placeOf('restored'), ['restore', placeOf('backup')])),
  });
  await copyKeys('first', 'restored');
  // Its documents were copied before the log and are behind it: a service brings them up to date.
  const restored = await startServiceProcess({ dataDir: placeOf('restored'), environment });
  await settled(restored);
  await restored.end('SIGTERM');
  say('verified', { verify: lastLine(await job(placeOf('restored'), ['verify'])) });

  await settled(service);
  const copy = ['copy-log', '--from', placeOf('first'), '--to', node.connectionString];
  say('copied over the protocol', { copy: lastLine(await job(placeOf('first'), copy)) });
  await service.end('SIGTERM');
  await copyKeys('first', 'second');

  const moved: NodeJS.ProcessEnv = {
    EVENTSTORE_URL: node.connectionString,
    ALLOW_INSECURE: 'true',
  };
  service = await startServiceProcess({
    dataDir: placeOf('second'),
    environment: {
      ...environment,
      ...moved,
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_BSP_SCHEDULE_DELAY: '100',
    },
  });
  await settled(service);
  say('audited after the switch', {
    audit: firstLine(await job(placeOf('second'), ['audit'], moved)),
  });

  const before = await totals();
  const traceparent = `00-${TRACE_ID}-${randomBytes(8).toString('hex')}-01`;
  await request('POST', `${service.commandUrl}/click`, person, { traceparent });
  await settled(service);
  await request('DELETE', `${service.commandUrl}/users/${encodeURIComponent(PERSON)}`);
  const after = await totals();
  assertThat(after.totalClicks === before.totalClicks + 1, 'Erasing changed a total');
  const spans = await eventually(() => {
    const found = receiver.spans().filter((span) => span.traceId === TRACE_ID);
    const names = found.map(({ name }) => name);
    assertThat(
      names.includes('POST /click') && names.includes('project v1'),
      'The trace is not whole',
    );
    return names;
  });
  say('one trace from the POST to the document', { traceId: TRACE_ID, spans });
  await service.end('SIGTERM');
  await node.stop();
  const found = await filesWith(directory.path, PERSON);
  assertThat(found.length === 0, `The id of an erased person is in ${found.join(', ')}`);
  say('erased: no file holds the id', { totals: after });

  const exported = await job(placeOf('first'), ['export', '--types', 'RatingGiven']);
  say('exported', { ratings: exported.split('\n').length - 1 });
  console.log('EXACT');
} finally {
  await service.end('SIGKILL');
  await node.kill('SIGKILL').catch(() => undefined);
  receiver.close();
  await directory.remove();
}
