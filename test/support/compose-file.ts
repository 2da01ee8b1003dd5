import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';

/** What our tests read of a service in a Compose file. */
export interface ComposeService {
  readonly image: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly pull_policy?: string;
  /** Started only where COMPOSE_PROFILES names one of them. */
  readonly profiles?: readonly string[];
  readonly command?: readonly string[];
  /** Without a value: handed on where it is set outside. */
  readonly environment: Readonly<Record<string, string | null>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly restart: string;
  readonly user?: string;
  readonly init?: boolean;
  readonly read_only?: boolean;
  readonly tmpfs?: readonly string[];
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly stop_grace_period: string;
  readonly logging: { readonly options: Readonly<Record<string, string>> };
  readonly deploy: {
    readonly resources: { readonly limits: Readonly<Record<string, string | number>> };
  };
  readonly healthcheck: Readonly<Record<string, unknown>> & { readonly test?: readonly string[] };
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

export const COMPOSE_FILE = 'docker/compose.yaml';

/** Where a variable stands in the file, with the default that holds when it is not set. */
const VARIABLE = /\$\{([A-Z_]+):-([^}]*)\}/g;

/** A text that stands there only if the variable is set. */
const IF_SET = /\$\{([A-Z_]+):\+([^}]*)\}/g;

/** The stack's Compose file with its variables filled in as Compose would from these settings. */
export const readComposeFile = async (settings: NodeJS.ProcessEnv = {}): Promise<ComposeFile> => {
  const text = await readFile(COMPOSE_FILE, 'utf8');
  const filled = text
    .replace(VARIABLE, (_, name: string, otherwise: string) => {
      // An empty one is none, for that form of a variable.
      return settings[name] || otherwise;
    })
    .replace(IF_SET, (_, name: string, given: string) => (settings[name] ? given : ''));
  const [unknown] = /\$\{[^}]*\}?/.exec(filled) ?? [];
  if (unknown !== undefined) throw new Error(`${COMPOSE_FILE}: cannot fill in ${unknown}.`);
  return parse(filled, { merge: true }) as ComposeFile;
};

/** The names of the variables that can change the file. */
export const variablesInComposeFile = async (): Promise<readonly string[]> => {
  const text = await readFile(COMPOSE_FILE, 'utf8');
  return [...text.matchAll(VARIABLE)].map(([, name = '']) => name);
};

/** The environment of a service's process, given what is set outside. */
export const environmentOf = (
  service: ComposeService,
  outside: NodeJS.ProcessEnv = {},
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(service.environment).flatMap(([name, value]) => {
      const handedOn = value ?? outside[name];
      return handedOn === undefined ? [] : [[name, handedOn]];
    }),
  );

/** A published port: 127.0.0.1:8000:8000 as its three parts. */
export const publishedPorts = (service: ComposeService) =>
  (service.ports ?? []).map((text) => {
    const [address = '', published = '', target = ''] = text.split(':');
    return { address, published: Number(published), target: Number(target) };
  });
