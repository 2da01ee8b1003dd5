import { parseArgs } from 'node:util';

export const ROLES = ['all', 'command-api', 'bridge', 'projector', 'query-api'] as const;
export type Role = (typeof ROLES)[number];

export type RebuildAction =
  | { readonly kind: 'build' }
  | { readonly kind: 'status' }
  /** Without a version: the newest that is ready, or the one that was active before. */
  | { readonly kind: 'promote' | 'rollback'; readonly version: string | undefined }
  | { readonly kind: 'prune'; readonly version: string };

export type DeadLettersAction =
  | { readonly kind: 'list'; readonly limit: number }
  /** The stream of one anime, or those of all letters that are open. */
  | { readonly kind: 'replay'; readonly stream: string | undefined }
  | IgnoreAction;

export interface IgnoreAction {
  readonly kind: 'ignore';
  readonly stream: string;
  /** First and last revision. */
  readonly from: number;
  readonly to: number;
  readonly reason: string;
  /** Also events that a newer version of this service wrote. */
  readonly evenNewer: boolean;
}

/** What the command line asks for. */
export type Invocation =
  | { readonly command: 'serve'; readonly role: Role; readonly sampleCatalog: string | undefined }
  | {
      readonly command: 'import-catalog';
      readonly file: string;
      readonly relist: boolean;
      readonly clear: boolean;
    }
  | { readonly command: 'rebuild'; readonly action: RebuildAction }
  | { readonly command: 'audit'; readonly version: string | undefined }
  | { readonly command: 'dead-letters'; readonly action: DeadLettersAction }
  | { readonly command: 'projections'; readonly action: 'deploy' | 'status' }
  | { readonly command: 'config'; readonly explain: boolean }
  | { readonly command: 'help' }
  | { readonly command: 'version' };

/** The command line cannot be understood; the message says how it is meant. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const USAGE = `Usage: anime-analytics <command>

  serve [role]              run the service until Ctrl-C; role: ${ROLES.join(', ')} (default all)
    --sample-catalog FILE   import FILE first if the event store holds no anime yet
  import-catalog FILE       put the titles of a CSV file into the catalogue
    --relist                list delisted titles again too
    --clear                 make unknown what the file does not know, instead of keeping what is known
  rebuild                   build a new version of the read models from the log, beside the active one
  rebuild status            list the versions
  rebuild promote [VERSION] make a version that is ready the active one
  rebuild rollback [VERSION] make the one before it active again
  rebuild prune VERSION     remove a version that is not active
  audit [VERSION]           compare every document with a fold of the log
  dead-letters list         list what could not be applied
    --limit N               at most so many (default 100)
  dead-letters replay [STREAM]
                            compute the anime of all open letters again, or that of one stream
  dead-letters ignore STREAM REVISION[-LAST]
                            go on as if events that cannot be read were not there; also beside a
                            running service
    --reason TEXT           why, kept in the stream (at most 500 characters)
    --even-newer            also events of a newer version, which an upgrade would count
  projections deploy        create or update the projections of EventStoreDB itself
  projections status        what they do
  config                    print the effective settings, secrets masked
    --help                  explain every setting
  help, --help              this text
  --version                 the version

Exit codes: 0 done, 1 failed or a difference was found, 2 wrong usage or configuration.
Settings come from the environment, then config/<NODE_ENV>.json: see \`anime-analytics config --help\`.
`;

const options = {
  help: { type: 'boolean', short: 'h', default: false },
  version: { type: 'boolean', default: false },
  relist: { type: 'boolean', default: false },
  clear: { type: 'boolean', default: false },
  'sample-catalog': { type: 'string' },
  limit: { type: 'string', default: '100' },
  reason: { type: 'string', default: '' },
  'even-newer': { type: 'boolean', default: false },
} as const;

const isRole = (text: string): text is Role => (ROLES as readonly string[]).includes(text);

/** Reads the arguments after the program's name, or throws a UsageError. */
export const parseInvocation = (args: readonly string[]): Invocation => {
  const { values, positionals } = parse(args);
  const [command = 'help', ...operands] = positionals;
  if (values.version) return { command: 'version' };
  if (command !== 'config' && (values.help || command === 'help')) return { command: 'help' };
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
    case 'dead-letters':
      if (first === 'ignore') {
        atMost(3);
        const evenNewer = values['even-newer'];
        return { command, action: ignoreAction(second, third, values.reason, evenNewer) };
      }
      atMost(first === 'replay' ? 2 : 1);
      return { command, action: deadLettersAction(first, second, values.limit) };
    case 'projections':
      atMost(1);
      if (first === 'deploy' || first === 'status') return { command, action: first };
      throw new UsageError('projections needs deploy or status.');
    case 'config':
      atMost(0);
      return { command, explain: values.help };
    default:
      throw new UsageError(`Unknown command ${command}.`);
  }
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

const parse = (args: readonly string[]) => {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
};
