interface Command {
  readonly usage: readonly string[];
  readonly about: string;
  /** What each option does, by name; every command has `--help`. */
  readonly options: Readonly<Record<string, string>>;
  /** The most important settings. */
  readonly environment: readonly string[];
  readonly exits: string;
  readonly example: string;
}

const JSON_OPTION = {
  json: 'print one JSON document to standard output, messages to standard error',
};

const STORES = ['DATA_DIR', 'EVENTSTORE_URL', 'KAFKA_BROKERS', 'MONGODB_URL', 'MONGODB_DATABASE'];

const BESIDE = 'A running service runs it itself, asked through a socket in DATA_DIR.';

export const COMMANDS = {
  serve: {
    usage: ['serve [all|command-api|bridge|projector|query-api] [--sample-catalog FILE]'],
    about: 'Runs the service, or one role of it, until Ctrl-C. Default: all.',
    options: { 'sample-catalog': 'FILE: import FILE first if the event store holds no anime yet' },
    environment: ['HOST', 'COMMAND_PORT', 'QUERY_PORT', ...STORES],
    exits: '0 stopped cleanly, 1 failed, 2 wrong usage or configuration',
    example: 'serve --sample-catalog data/sample-catalog.csv',
  },
  'import-catalog': {
    usage: ['import-catalog FILE [--relist] [--clear] [--json]'],
    about: 'Imports the titles of a CSV file into the catalogue, also beside a running service.',
    options: {
      relist: 'list delisted titles again too',
      clear: 'clear details that the file does not know, instead of keeping them',
      ...JSON_OPTION,
    },
    environment: ['DATA_DIR', 'EVENTSTORE_URL'],
    exits: '0 all imported, 1 rows were left out or it was stopped, 2 wrong usage or configuration',
    example: 'import-catalog data/sample-catalog.csv',
  },
  rebuild: {
    usage: [
      'rebuild [--json]                    build a new version from the log, beside the active one',
      'rebuild status [--json]             list the versions',
      'rebuild promote [VERSION] [--json]  make a version that is ready the active one',
      'rebuild rollback [VERSION] [--json] make the one before it active again',
      'rebuild prune VERSION [--json]      remove a version that is not active',
    ],
    about: `Builds, lists and switches versions of the read models. ${BESIDE}`,
    options: JSON_OPTION,
    environment: STORES,
    exits: '0 done, 1 failed or a difference was found, 2 wrong usage or configuration',
    example: 'rebuild promote v2',
  },
  audit: {
    usage: ['audit [VERSION] [--json]'],
    about: `Compares every document with a fold of the log. Default: the active version. ${BESIDE}`,
    options: JSON_OPTION,
    environment: STORES,
    exits: '0 equal, 1 a difference was found or it failed, 2 wrong usage or configuration',
    example: 'audit v2 --json',
  },
  verify: {
    usage: ['verify [--json]'],
    about: `Checks the embedded files, revisions and positions of the log, then audits. ${BESIDE}`,
    options: JSON_OPTION,
    environment: ['DATA_DIR', 'MONGODB_URL', 'MONGODB_DATABASE'],
    exits: '0 sound and equal, 1 something is wrong, 2 wrong usage or configuration',
    example: 'verify --json',
  },
  backup: {
    usage: ['backup DIRECTORY [--log-only] [--json]'],
    about: `Copies the embedded stores to a new directory, and checks the copy. ${BESIDE}`,
    options: { 'log-only': 'leave out the documents, which are recomputed', ...JSON_OPTION },
    environment: ['DATA_DIR', 'MONGODB_URL'],
    exits: '0 done, 1 failed or stopped, 2 wrong usage or configuration',
    example: 'backup /backups/2026-11-29',
  },
  restore: {
    usage: ['restore DIRECTORY [--json]'],
    about: 'Checks a backup and restores it into DATA_DIR, which must be empty or absent.',
    options: JSON_OPTION,
    environment: ['DATA_DIR'],
    exits: '0 done, 1 failed or stopped, 2 wrong usage or configuration',
    example: 'restore /backups/2026-11-29',
  },
  export: {
    usage: [
      'export [--format ndjson|csv] [--types A,B | --system] [--since POSITION] [--decrypt]',
      'export --statistics [--format ndjson|csv]  the totals of each anime',
    ],
    about: 'Writes the events of the log to standard output, also beside a service with a port.',
    options: {
      format: 'ndjson (default): one JSON object to a line; or csv',
      types: 'A,B: only events of these types',
      system: "also the event store's own events, so that import-events restores everything",
      since: 'POSITION: only events after this position',
      decrypt: 'add the userId of encrypted events; null for users who were forgotten',
      statistics: 'the documents of the active version instead of the events',
    },
    environment: ['DATA_DIR', 'EVENTSTORE_URL', 'USER_ID_MASTER_KEY'],
    exits: '0 done or the reader left, 1 failed or stopped, 2 wrong usage or configuration',
    example: 'export --types ClickRegistered > clicks.ndjson',
  },
  'import-events': {
    usage: ['import-events FILE [--json]  FILE of export, or - for standard input'],
    about: 'Reads the events of an export into an empty event store, and compares the two.',
    options: JSON_OPTION,
    environment: ['DATA_DIR', 'EVENTSTORE_URL'],
    exits: '0 imported and equal, 1 a difference was found or it failed, 2 wrong usage or file',
    example: 'import-events events.ndjson',
  },
  'copy-log': {
    usage: ['copy-log --from PLACE --to PLACE [--encrypt] [--json]'],
    about: 'Copies a log, or what is new in it, to another place, and compares the two.',
    options: {
      from: 'PLACE: a data directory, also of a running service with a port, or an esdb:// address',
      to: 'PLACE: a data directory that no service uses, or an esdb:// address',
      encrypt: 'encrypt the user ids that events hold in plain text; needs USER_ID_MASTER_KEY',
      ...JSON_OPTION,
    },
    environment: ['EVENTSTORE_APPEND_TIMEOUT_MS', 'USER_ID_MASTER_KEY'],
    exits: '0 copied and equal, 1 a difference was found or it failed, 2 wrong usage',
    example: 'copy-log --from .data --to esdb://localhost:2113?tls=false',
  },
  'dead-letters': {
    usage: [
      'dead-letters list [--limit N] [--json]  list the dead letters',
      'dead-letters replay [STREAM] [--json]   recompute the anime of all open letters, or of one',
      'dead-letters ignore STREAM REVISION[-LAST] [--reason TEXT] [--even-newer] [--json]',
      '                                        go on without events that cannot be read',
    ],
    about: `Lists and settles dead letters: events that could not be applied. ${BESIDE}`,
    options: {
      limit: 'N: list at most N (default 100)',
      reason: 'TEXT: why, kept in the stream (at most 500 characters)',
      'even-newer': 'ignore also events of a newer version, which an upgrade would count',
      ...JSON_OPTION,
    },
    environment: STORES,
    exits: '0 done, 1 failed, 2 wrong usage or configuration',
    example: 'dead-letters ignore anime-1 7 --reason "written by a tool"',
  },
  'erase-user': {
    usage: ['erase-user ID [--json]'],
    about: `Forgets a person: nothing can tell any more what that user did. ${BESIDE}`,
    options: JSON_OPTION,
    environment: ['USER_ID_MASTER_KEY', 'DATA_DIR', 'EVENTSTORE_URL', 'MONGODB_URL'],
    exits:
      '0 forgotten, 1 failed, or events hold the id in plain text, 2 wrong usage or configuration',
    example: 'erase-user user123',
  },
  projections: {
    usage: [
      'projections deploy [--json]  create or update our projections on the event store',
      'projections status [--json]  print their state',
    ],
    about:
      'The projections in projections/, on the embedded event store (over the port of a running service, if there is one) or on an EventStoreDB or KurrentDB server.',
    options: JSON_OPTION,
    environment: ['EVENTSTORE_URL', 'DATA_DIR'],
    exits: '0 all run, 1 one is missing or does not run, 2 wrong usage or configuration',
    example: 'projections deploy',
  },
  config: {
    usage: ['config [--json]', 'config --help  explain every setting'],
    about: 'Prints the effective settings, secrets masked.',
    options: JSON_OPTION,
    environment: ['every setting'],
    exits: '0 done, 2 wrong usage or configuration',
    example: 'config --json',
  },
} as const satisfies Record<string, Command>;

export type CommandName = keyof typeof COMMANDS;

export const isCommand = (text: string): text is CommandName => Object.hasOwn(COMMANDS, text);

const PROGRAM = 'anime-analytics';

export const helpOf = (name: CommandName): string => {
  const { usage, about, options, environment, exits, example }: Command = COMMANDS[name];
  const described = Object.entries({ ...options, help: 'this text' }).map(
    ([option, text]) => `  --${option.padEnd(15)} ${text}`,
  );
  return [
    ...usage.map((line, index) => `${index === 0 ? 'Usage:' : '      '} ${usageLine(line)}`),
    ...['', about, '', 'Options:', ...described, ''],
    `Environment: ${environment.join(', ')} (anime-analytics config --help explains them)`,
    `Exit codes: ${exits}`,
    `Example: ${PROGRAM} ${example}`,
  ].join('\n');
};

/** A continuation line has no program name. */
const usageLine = (line: string): string =>
  `${line.startsWith(' ') ? ' '.repeat(PROGRAM.length) : PROGRAM} ${line}`;

export const USAGE = `Usage: ${PROGRAM} <command> [--help]

${Object.entries(COMMANDS)
  .map(([name, { about }]) => `  ${name.padEnd(15)} ${about}`)
  .join('\n')}
  help [COMMAND]  the same as --help
  --version       the version

With --json a job prints one JSON document to standard output and its messages to standard error.
Exit codes: 0 done, 1 failed or a difference was found, 2 wrong usage or configuration.
Settings come from the environment, then config/<NODE_ENV>.json: see ${PROGRAM} config --help.`;

/** Two lines, printed before the sentence on a usage error. */
export const shortUsage = (about: CommandName | undefined): string => {
  if (about === undefined) {
    return `Usage: ${PROGRAM} <${Object.keys(COMMANDS).join('|')}>\nHelp:  ${PROGRAM} --help`;
  }
  const actions = COMMANDS[about].usage.map((line) => line.trim().split(/ {2,}/)[0] ?? '');
  const form = actions.length === 1 ? (actions[0] ?? about) : `${about} ...`;
  return `Usage: ${PROGRAM} ${form}\nHelp:  ${PROGRAM} ${about} --help`;
};
