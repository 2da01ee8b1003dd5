import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { isUserId } from '../domain/ids.js';
import { ROLES, type Role } from '../compose/roles.js';
import type {
  DeadLettersAction,
  ExportRequest,
  IgnoreAction,
  RebuildAction,
  StoreJob,
} from '../jobs/requests.js';
import { COMMANDS, isCommand, type CommandName } from './help.js';

/** What the command line asks for; with `json` the result is one JSON document. */
export type Invocation = CommandRequest & { readonly json: boolean };

type CommandRequest =
  | { readonly command: 'serve'; readonly role: Role; readonly sampleCatalog: string | undefined }
  | {
      readonly command: 'import-catalog';
      readonly file: string;
      readonly relist: boolean;
      readonly clear: boolean;
    }
  | StoreJob
  | ({ readonly command: 'export' } & ExportRequest)
  | { readonly command: 'import-events'; readonly file: string }
  | { readonly command: 'restore'; readonly source: string }
  | { readonly command: 'projections'; readonly action: 'deploy' | 'status' }
  | { readonly command: 'config'; readonly explain: boolean }
  | { readonly command: 'help'; readonly about: CommandName | undefined }
  | { readonly command: 'version' };

/** The command line cannot be understood; the message says what is expected. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  /** The command whose usage helps. */
  about: CommandName | undefined;
}

const CLI_OPTIONS = {
  help: { type: 'boolean', short: 'h', default: false },
  version: { type: 'boolean', default: false },
  relist: { type: 'boolean', default: false },
  clear: { type: 'boolean', default: false },
  'sample-catalog': { type: 'string' },
  limit: { type: 'string', default: '100' },
  reason: { type: 'string', default: '' },
  'even-newer': { type: 'boolean', default: false },
  format: { type: 'string', default: 'ndjson' },
  types: { type: 'string' },
  since: { type: 'string' },
  decrypt: { type: 'boolean', default: false },
  system: { type: 'boolean', default: false },
  statistics: { type: 'boolean', default: false },
  from: { type: 'string' },
  to: { type: 'string' },
  encrypt: { type: 'boolean', default: false },
  'log-only': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

const isRole = (text: string): text is Role => (ROLES as readonly string[]).includes(text);

/** Reads the arguments after the program's name, or throws a UsageError. */
export const parseInvocation = (args: readonly string[]): Invocation => {
  const about = args.find(isCommand);
  try {
    const parsed = parseOptions(args);
    return { ...requestOf(parsed), json: parsed.values.json };
  } catch (error) {
    if (error instanceof UsageError) error.about = about;
    throw error;
  }
};

/** The job that these arguments ask for; null where they ask for something else. */
export const parseStoreJob = (args: readonly string[]): StoreJob | null => {
  const invocation = parseInvocation(args);
  switch (invocation.command) {
    case 'audit':
    case 'verify':
    case 'backup':
    case 'copy-log':
    case 'export-statistics':
    case 'rebuild':
    case 'dead-letters':
    case 'erase-user':
      return invocation;
    default:
      return null;
  }
};

const requestOf = ({
  values,
  positionals,
  given,
}: ReturnType<typeof parseOptions>): CommandRequest => {
  const [command = 'help', ...operands] = positionals;
  if (values.version) return { command: 'version' };
  if (command === 'help') return { command, about: operands.find(isCommand) };
  if (!isCommand(command)) throw new UsageError(`Unknown command ${command}.`);
  if (command !== 'config' && values.help) return { command: 'help', about: command };
  const foreign = given.find((name) => name !== 'help' && !(name in COMMANDS[command].options));
  if (foreign !== undefined) throw new UsageError(`${command} has no option --${foreign}.`);
  const [first, second, third] = operands;
  const atMost = (count: number): void => {
    const rest = operands.slice(count);
    if (rest.length > 0) throw new UsageError(`Too many arguments: ${rest.join(' ')}.`);
  };
  switch (command) {
    case 'serve': {
      atMost(1);
      const role = first ?? 'all';
      if (!isRole(role)) throw new UsageError(`Unknown role ${role}: one of ${ROLES.join(', ')}.`);
      return { command, role, sampleCatalog: values['sample-catalog'] };
    }
    case 'import-catalog':
      atMost(1);
      if (first === undefined) throw new UsageError('import-catalog needs a file.');
      return { command, file: first, relist: values.relist, clear: values.clear };
    case 'rebuild':
      atMost(first === undefined || first === 'status' ? 1 : 2);
      return { command, action: rebuildAction(first, second) };
    case 'audit':
      atMost(1);
      return { command, version: first };
    case 'verify':
      atMost(0);
      return { command };
    case 'backup':
      atMost(1);
      if (first === undefined) throw new UsageError('backup needs a directory to make.');
      return { command, target: resolve(first), logOnly: values['log-only'] };
    case 'export':
      atMost(0);
      if (values.statistics) return statisticsRequest(given, values.format);
      return { command, ...exportRequest(values) };
    case 'import-events':
      atMost(1);
      if (first === undefined) {
        throw new UsageError('import-events needs a file, or - for standard input.');
      }
      return { command, file: first };
    case 'restore':
      atMost(1);
      if (first === undefined) throw new UsageError('restore needs the directory of a backup.');
      return { command, source: first };
    case 'copy-log':
      atMost(0);
      return {
        command,
        from: placeOf('from', values.from),
        to: placeOf('to', values.to),
        encrypt: values.encrypt,
      };
    case 'dead-letters':
      if (first === 'ignore') {
        atMost(3);
        const evenNewer = values['even-newer'];
        return { command, action: ignoreAction(second, third, values.reason, evenNewer) };
      }
      atMost(first === 'replay' ? 2 : 1);
      return { command, action: deadLettersAction(first, second, values.limit) };
    case 'erase-user':
      atMost(1);
      if (!isUserId(first)) throw new UsageError('erase-user needs the id of a user.');
      return { command, userId: first };
    case 'projections':
      atMost(1);
      if (first === 'deploy' || first === 'status') return { command, action: first };
      throw new UsageError('projections needs deploy or status.');
    case 'config':
      atMost(0);
      return { command, explain: values.help };
  }
};

const ADDRESS = /^[a-z+]+:\/\//i;

/** An address as it is, and a directory as an absolute path. */
const placeOf = (option: string, place: string | undefined): string => {
  if (place === undefined || place === '') {
    throw new UsageError(`copy-log needs --${option}: a data directory or an esdb:// address.`);
  }
  return ADDRESS.test(place) ? place : resolve(place);
};

const formatOf = (format: string): ExportRequest['format'] => {
  if (format === 'ndjson' || format === 'csv') return format;
  throw new UsageError(`--format is ndjson or csv, not ${format}.`);
};

const statisticsRequest = (given: readonly string[], format: string): CommandRequest => {
  const ofEvents = given.find((name) => ['types', 'since', 'system', 'decrypt'].includes(name));
  if (ofEvents !== undefined) throw new UsageError(`--${ofEvents} selects events, not statistics.`);
  return { command: 'export-statistics', format: formatOf(format) };
};

const exportRequest = ({
  format,
  types,
  since,
  system,
  decrypt,
}: ReturnType<typeof parseOptions>['values']): ExportRequest => {
  if (since !== undefined && !/^\d{1,18}$/.test(since)) {
    throw new UsageError(`--since takes a position, a whole number, not ${since}.`);
  }
  const names = types?.split(',').filter((name) => name !== '');
  if (names?.length === 0) throw new UsageError('--types takes event types, separated by commas.');
  const after = since === undefined ? undefined : BigInt(since);
  return { format: formatOf(format), types: names, since: after, system, decrypt };
};

const rebuildAction = (name: string | undefined, version: string | undefined): RebuildAction => {
  switch (name) {
    case undefined:
      return { kind: 'build' };
    case 'status':
      return { kind: name };
    case 'promote':
    case 'rollback':
      return { kind: name, version };
    case 'prune':
      if (version === undefined) throw new UsageError('rebuild prune needs a version.');
      return { kind: name, version };
    default:
      throw new UsageError(`rebuild knows status, promote, rollback and prune, not ${name}.`);
  }
};

const deadLettersAction = (
  name: string | undefined,
  stream: string | undefined,
  limit: string,
): DeadLettersAction => {
  if (name === 'replay') return { kind: name, stream };
  if (name !== 'list') throw new UsageError('dead-letters needs list, replay or ignore.');
  if (!/^[1-9]\d{0,3}$/.test(limit)) {
    throw new UsageError('--limit is a whole number from 1 to 9999.');
  }
  return { kind: name, limit: Number(limit) };
};

const MAX_REASON_LENGTH = 500;

const ignoreAction = (
  stream: string | undefined,
  revisions: string | undefined,
  reason: string,
  evenNewer: boolean,
): IgnoreAction => {
  if (stream === undefined || revisions === undefined) {
    throw new UsageError('dead-letters ignore needs a stream and a revision.');
  }
  const [, first, last = first] = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(revisions) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (first === undefined || from > to) {
    throw new UsageError(`${revisions} is no revision (7) and no range of revisions (7-9).`);
  }
  if (reason.length > MAX_REASON_LENGTH || !reason.isWellFormed()) {
    throw new UsageError(`--reason takes text of at most ${MAX_REASON_LENGTH} characters.`);
  }
  return { kind: 'ignore', stream, from, to, reason, evenNewer };
};

const parseOptions = (args: readonly string[]) => {
  try {
    const input = {
      args: [...args],
      options: CLI_OPTIONS,
      allowPositionals: true,
      strict: true,
    } as const;
    const { values, positionals, tokens } = parseArgs({ ...input, tokens: true });
    const given = tokens.flatMap((token) => (token.kind === 'option' ? [token.name] : []));
    return { values, positionals, given };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
};
