import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommandLine } from './command-line.js';
import { eventually } from './eventually.js';
import { query, send } from './http-client.js';
import { startServiceProcess, type ServiceProcess } from './service-process.js';

export type Say = (step: string, seen: Record<string, unknown>) => void;

const CLICK = { anime_id: 1, user_id: 'user123' };
const LATER = 4_242;

const CATALOGUE = ['--sample-catalog', 'data/sample-catalog.csv'];

/** Copies the files of the log, and nothing else of a data directory. */
export const copyLog = async (from: string, to: string): Promise<void> => {
  await mkdir(to, { recursive: true });
  for (const directory of [to, from]) {
    for (const name of await readdir(directory)) {
      if (!name.startsWith('events.db')) continue;
      if (directory === to) await rm(join(to, name));
      else await cp(join(from, name), join(to, name));
    }
  }
};

const clicks = async (service: ServiceProcess, count: number): Promise<string> => {
  let revision = '';
  for (let sent = 0; sent < count; sent += 1) {
    const { body } = await send('POST', `${service.commandUrl}/click`, CLICK);
    revision = String(body['revision']);
  }
  return revision;
};

/** What queries say of the anime that is clicked, and of one that only the lost part of the log had. */
const shown = async (service: ServiceProcess, minRevision?: string) => {
  const asked = minRevision === undefined ? '' : `, minRevision: "${minRevision}"`;
  const data = await query(
    service.queryUrl,
    `{ animeStats(animeId: 1${asked}) { totalClicks } anime(animeId: ${LATER}) { title } }`,
  );
  const stats = data['animeStats'] as { readonly totalClicks: number } | null;
  return { clicks: stats?.totalClicks ?? null, later: data['anime'] };
};

const healthOf = async ({ commandUrl, queryUrl }: ServiceProcess) =>
  Promise.all([commandUrl, queryUrl].map((url) => send('GET', new URL('/health', url).href)));

/** How many anime the service raised an alarm for. */
const alarms = async ({ commandUrl, queryUrl }: ServiceProcess): Promise<number> => {
  const texts = await Promise.all(
    [commandUrl, queryUrl].map(async (url) => (await fetch(new URL('/metrics', url))).text()),
  );
  const found = /projector_alarms_total\{[^}]*kind="ahead-of-log"[^}]*\} (\d+)/.exec(
    texts.join('\n'),
  );
  return Number(found?.[1] ?? 0);
};

/**
 * The log of yesterday under the documents of today: what the service makes of it, step by step.
 * Resolves with what was seen after the restore and at the end.
 */
export const restoreDrill = async (dataDir: string, backup: string, say: Say) => {
  const job = (...args: string[]) => runCommandLine(args, { DATA_DIR: dataDir, NODE_ENV: 'test' });

  const yesterday = await startServiceProcess({ dataDir, args: CATALOGUE });
  await shown(yesterday, await clicks(yesterday, 3));
  say('three clicks, counted', await shown(yesterday));
  await yesterday.end('SIGTERM');
  await copyLog(dataDir, backup);
  say('the service is stopped and its log is copied', { files: await readdir(backup) });

  const today = await startServiceProcess({ dataDir });
  const details = { title: 'A title of today' };
  await send('PUT', `${today.commandUrl}/animes/${LATER}`, details);
  await shown(today, await clicks(today, 5));
  await eventually(async () => {
    if ((await shown(today)).later === null) throw new Error('Not listed yet.');
  });
  say('five more clicks and a new title', await shown(today));
  await today.end('SIGTERM');

  await copyLog(backup, dataDir);
  const before = await job('audit');
  const ahead = before.output.split('\n').filter((line) => line.startsWith('ahead:'));
  say('the copy is put back under the documents of today', { audit: before.code, ahead });

  const restored = await startServiceProcess({ dataDir });
  const healed = await eventually(async () => {
    const found = await shown(restored);
    if (found.clicks !== 3 || found.later !== null) throw new Error('Still what the log lost.');
    return found;
  });
  const told = await alarms(restored);
  say('the service finds it out, tells it and computes the anime anew', {
    ...healed,
    alarms: told,
  });
  const [command, queries] = await healthOf(restored);
  say('health afterwards', { commandApi: command?.status, queryApi: queries?.status });

  const revision = await clicks(restored, 1);
  const counted = await shown(restored, revision);
  say('one more click, read with its revision', { revision, ...counted });
  const exit = await restored.end('SIGTERM');
  const after = await job('audit');
  const verdict = after.output.trim().split('\n').at(-1);
  say('the audit of every document', { exit, audit: after.code, verdict });
  return { before, healed, told, counted, after };
};
