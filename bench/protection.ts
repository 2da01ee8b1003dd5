import { randomBytes } from 'node:crypto';
import { benchArguments } from './support/arguments.js';
import { runCommands, type CommandsLoad, type CommandsResult } from './support/commands-load.js';
import { sendAll } from './support/http-load.js';
import { commandRequest } from './support/http-request.js';
import { printHost, printJson, printTable } from './support/report.js';
import { interleaved, median, ratio } from './support/rounds.js';
import { listAnimes, settled, withService, type Service } from './support/service.js';

/** What it costs a command that its event does not hold the user id, beside a service where it does. */

const { quick, rounds, durationMs } = benchArguments();

const GOAL = 1.05;
const ENCRYPT = {
  USER_ID_PROTECTION: 'encrypt',
  USER_ID_MASTER_KEY: randomBytes(32).toString('base64'),
};

/** Each has sent a command before the measurement. */
const KNOWN_USERS = 500;
/** So many that nearly every command is the first one of its user. */
const NEW_USERS = 1_000_000_000;

const loadOn = (service: Service, users: number): CommandsLoad => ({
  server: service,
  port: service.commandPort,
  popularity: 'zipf',
  users,
  durationMs,
  settle: () => settled(service),
});

const makeKnown = async (service: Service): Promise<void> => {
  const clicks = Array.from({ length: KNOWN_USERS }, (_, index) =>
    commandRequest({ kind: 'click', animeId: 1, userId: `user-${index}` }),
  );
  const statuses = await sendAll(service.commandPort, clicks);
  if (statuses[201] !== KNOWN_USERS) throw new Error('Not every click was taken.');
};

const measure = async (plain: Service, encrypting: Service) => {
  for (const service of [plain, encrypting]) {
    await listAnimes(service);
    await makeKnown(service);
  }
  const loads = [
    { name: 'plain', load: loadOn(plain, KNOWN_USERS) },
    { name: 'encrypted', load: loadOn(encrypting, KNOWN_USERS) },
    { name: 'plain, new users', load: loadOn(plain, NEW_USERS) },
    { name: 'encrypted, new users', load: loadOn(encrypting, NEW_USERS) },
  ];
  // The first round teaches the just-in-time compilers.
  for (const { load } of loads) await runCommands(load, 0);
  return interleaved(
    loads.map(({ name, load }) => ({ name, measure: (round) => runCommands(load, round + 1) })),
    { rounds },
  );
};

printHost();
const results = await withService((plain) =>
  withService((encrypting) => measure(plain, encrypting), ENCRYPT),
);

const of = (name: string, value: (result: CommandsResult) => number): readonly number[] =>
  (results.get(name) ?? []).map(value);

const rows = ['', ', new users'].map((suffix) => {
  const [plain, encrypted] = [`plain${suffix}`, `encrypted${suffix}`];
  const to = (value: (result: CommandsResult) => number) =>
    ratio(of(encrypted, value), of(plain, value));
  return {
    name: encrypted,
    perSecond: median(of(encrypted, (result) => result.perSecond)),
    rate: to((result) => result.perSecond).median,
    cpu: to((result) => result.cpu),
    cpuInAll: to((result) => result.cpuInAll).median,
    p50: to((result) => result.p50Ms).median,
    p99: to((result) => result.p99Ms).median,
  };
});

printTable(
  [
    'load',
    'commands/s',
    'x plain',
    'CPU x plain',
    'lowest',
    'highest',
    'with read models',
    'p50 x',
    'p99 x',
  ],
  rows.map((row) => [
    row.name,
    Math.round(row.perSecond),
    ...[row.rate, row.cpu.median, row.cpu.lowest, row.cpu.highest],
    ...[row.cpuInAll, row.p50, row.p99],
  ]),
);
const known = rows[0]?.cpu.median ?? Number.NaN;
console.log(
  `CPU of a command of a known user: ${known.toFixed(3)} times that without encryption, goal ${GOAL}: ${known <= GOAL ? 'met' : 'missed'}.`,
);
printJson('protection', { quick, rounds, rows });
