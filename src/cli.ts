import { parseArgs } from 'node:util';

export const ROLES = ['all', 'command-api', 'bridge', 'projector', 'query-api'] as const;
export type Role = (typeof ROLES)[number];

/** What the command line asks for. */
export type Invocation =
  | { readonly command: 'serve'; readonly role: Role; readonly sampleCatalog: string | undefined }
  | { readonly command: 'import-catalog'; readonly file: string; readonly relist: boolean }
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
  config                    print the effective settings, secrets masked
    --help                  explain every setting
  help, --help              this text
  --version                 the version

Exit codes: 0 done, 1 failed or rows were left out, 2 wrong usage or configuration.
Settings come from the environment, then config/<NODE_ENV>.json: see \`anime-analytics config --help\`.
`;

const options = {
  help: { type: 'boolean', short: 'h', default: false },
  version: { type: 'boolean', default: false },
  relist: { type: 'boolean', default: false },
  'sample-catalog': { type: 'string' },
} as const;

const isRole = (text: string): text is Role => (ROLES as readonly string[]).includes(text);

/** Reads the arguments after the program's name, or throws a UsageError. */
export const parseInvocation = (args: readonly string[]): Invocation => {
  const { values, positionals } = parse(args);
  const [command = 'help', operand, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError(`Too many arguments: ${rest.join(' ')}.`);
  if (values.version) return { command: 'version' };
  if (command === 'config') return { command, explain: values.help };
  if (values.help || command === 'help') return { command: 'help' };
  switch (command) {
    case 'serve': {
      const role = operand ?? 'all';
      if (!isRole(role)) throw new UsageError(`Unknown role ${role}: one of ${ROLES.join(', ')}.`);
      return { command, role, sampleCatalog: values['sample-catalog'] };
    }
    case 'import-catalog':
      if (operand === undefined) throw new UsageError('import-catalog needs a file.');
      return { command, file: operand, relist: values.relist };
    default:
      throw new UsageError(`Unknown command ${command}.`);
  }
};

const parse = (args: readonly string[]) => {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
};
