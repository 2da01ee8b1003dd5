import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { runCommandLine as run, type Launch } from '../support/command-line.js';
import { documentedMistakes } from '../support/documented-mistakes.js';
import { cannotMount, full, readOnly, somebodyElse } from '../support/mounts.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

interface Place {
  /** A directory that is empty. */
  readonly path: string;
  /** A port in use. */
  readonly taken: number;
}

interface Provoked {
  readonly environment?: NodeJS.ProcessEnv;
  readonly role?: string;
  readonly launch?: Launch;
  /** The placeholders that the page shows for the values of this run. */
  readonly shown?: Readonly<Record<string, string>>;
}

interface Mistake {
  /** Its name on the page. */
  readonly row: string;
  /** 2 where it is absent: a setting is wrong. */
  readonly code?: 1;
  /** Which one of its kind. */
  readonly of?: string;
  readonly needs?: () => string | undefined;
  readonly provoke: (place: Place) => Provoked | Promise<Provoked>;
}

const FREE_PORTS = {
  COMMAND_PORT: '0',
  QUERY_PORT: '0',
  BRIDGE_PORT: '0',
  PROJECTOR_PORT: '0',
  EVENTSTORE_PORT: '0',
};
/** Nothing listens there: the mistake must be refused without these servers. */
const SERVERS = {
  EVENTSTORE_URL: 'esdb://127.0.0.1:1?tls=false',
  KAFKA_BROKERS: '127.0.0.1:1',
  MONGODB_URL: 'mongodb://127.0.0.1:1',
};
const DOCUMENTED = '/srv/anime';
const OLD_NODE = 'Object.defineProperty(process.versions,"node",{value:"18.20.8"})';

const portInUse = (variable: string, role?: string): Mistake => ({
  row: 'a port in use',
  of: variable,
  provoke: ({ taken }) => ({
    environment: { ...(role === undefined ? {} : SERVERS), [variable]: String(taken) },
    ...(role === undefined ? {} : { role }),
    shown: { [variable]: 'COMMAND_PORT', [`port ${taken} `]: 'port 8000 ' },
  }),
});

const noSuchHost = (HOST: string): Mistake => ({
  row: 'a host that does not exist',
  of: HOST,
  provoke: () => ({ environment: { HOST }, shown: { [HOST]: 'nohost.invalid' } }),
});

/** A setting that names a directory, which `prepare` makes unusable. */
const uselessDirectory = (
  row: string,
  prepare: (path: string) => unknown,
  {
    below = '',
    variable = 'DATA_DIR',
    launch = () => ({}),
    needs = () => undefined,
  }: {
    below?: string;
    variable?: string;
    launch?: (path: string) => Launch;
    needs?: () => string | undefined;
  } = {},
): Mistake => ({
  row,
  of: below === '' ? variable : `${variable} below it`,
  needs,
  provoke: async ({ path }) => {
    const made = join(path, 'made');
    await prepare(made);
    const directory = join(made, below);
    return {
      environment: { DATA_DIR: path, [variable]: directory },
      launch: launch(made),
      shown: { [variable]: 'DATA_DIR', [directory]: DOCUMENTED },
    };
  },
});

/** Nothing in the settings is wrong: the data are damaged, or the disk is full. */
const noMistake = (...directory_: Parameters<typeof uselessDirectory>): Mistake => ({
  ...uselessDirectory(...directory_),
  code: 1,
});

const file = (path: string) => writeFile(path, '');
const directory = (path: string) => mkdir(path, { recursive: true });
const unwritable = async (path: string): Promise<void> => {
  await mkdir(path);
  await chmod(path, 0o555);
};
const holding =
  (name: string, make: (path: string) => unknown) =>
  async (path: string): Promise<void> => {
    await mkdir(join(path, name, '..'), { recursive: true });
    await make(join(path, name));
  };
const unwritableFile = async (path: string): Promise<void> => {
  await writeFile(path, '', { mode: 0o444 });
  await chmod(join(path, '..'), 0o777);
};
const garbage = (path: string) => writeFile(path, randomBytes(20_000));

const mounts = (through: (path: string) => readonly string[]) => ({
  launch: (path: string) => ({ through: through(path) }),
  needs: cannotMount,
});

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const readsMain = `require('node:fs').readFileSync(${JSON.stringify(MAIN)})`;
const another = {
  launch: somebodyElse,
  needs: (): string | undefined => {
    const { status } = spawnSync(process.execPath, ['-e', readsMain], somebodyElse());
    return status === 0 ? undefined : 'another user may not read this checkout';
  },
};

const setting = (row: string, environment: NodeJS.ProcessEnv): Mistake => ({
  row,
  provoke: () => ({ environment }),
});

const FILE = '`DATA_DIR` or `LOG_DIR` is a file';
const DIRECTORY_FOR_FILE = '… holds a directory in place of a file';

const MISTAKES: readonly Mistake[] = [
  portInUse('COMMAND_PORT'),
  portInUse('QUERY_PORT'),
  portInUse('BRIDGE_PORT', 'bridge'),
  portInUse('PROJECTOR_PORT', 'projector'),
  {
    row: 'an EventStoreDB on 2113',
    provoke: ({ taken }) => ({
      environment: { EVENTSTORE_PORT: String(taken) },
      shown: { [`port ${taken} `]: 'port 2113 ' },
    }),
  },
  noSuchHost('nohost.invalid'),
  noSuchHost('203.0.113.7'),
  uselessDirectory(FILE, file),
  uselessDirectory(FILE, file, { below: 'below/it' }),
  uselessDirectory(FILE, file, { variable: 'LOG_DIR' }),
  uselessDirectory('… is read-only', directory, mounts(readOnly)),
  uselessDirectory('… belongs to another user', unwritable, another),
  uselessDirectory('… belongs to another user', unwritable, { ...another, variable: 'LOG_DIR' }),
  uselessDirectory('… holds a file of another user', holding('events.db', unwritableFile), another),
  noMistake('`DATA_DIR` is on a full disk', directory, mounts(full)),
  uselessDirectory(DIRECTORY_FOR_FILE, holding('events.db', directory)),
  ...['dead-letters.db', 'read-models/versions.db'].map((name): Mistake => {
    const mistake = uselessDirectory(DIRECTORY_FOR_FILE, holding(name, directory));
    const provoke = async (place: Place) => {
      const provoked = await mistake.provoke(place);
      return { ...provoked, shown: { ...provoked.shown, [name]: 'events.db' } };
    };
    return { ...mistake, of: name, provoke };
  }),
  uselessDirectory('… holds a file in place of a directory', holding('read-models', file)),
  noMistake('`DATA_DIR` holds a broken event log', holding('events.db', garbage)),
  noMistake('… holds broken read models', holding('read-models/versions.db', garbage)),
  noMistake('… holds broken dead letters', holding('dead-letters.db', garbage)),
  {
    row: 'Node is too old',
    provoke: () => ({ launch: { nodeOptions: ['--import', `data:text/javascript,${OLD_NODE}`] } }),
  },
  setting('keys for readers alone', { READER_API_KEYS: 'reader' }),
  setting('production without keys beyond the loopback', {
    NODE_ENV: 'production',
    HOST: '0.0.0.0',
  }),
  setting('a topic that Kafka refuses', { KAFKA_TOPIC: 'anime events' }),
  setting('a group that Kafka refuses', { KAFKA_GROUP: 'anime\n' }),
  setting('a database that MongoDB refuses', { MONGODB_DATABASE: 'anime.analytics' }),
];

/** Most of the time is the start of a process, so several start at once. */
const AT_ONCE = 4;

const outcomeOf = async ({ provoke }: Mistake, taken: number) => {
  const home = await temporaryDirectory();
  try {
    await chmod(home.path, 0o755);
    const provoked = await provoke({ path: home.path, taken });
    const { environment = {}, role, launch, shown = {} } = provoked;
    const { code, output, errors } = await run(
      role === undefined ? ['serve'] : ['serve', role],
      { NODE_ENV: 'test', LOG_LEVEL: 'error', DATA_DIR: home.path, ...FREE_PORTS, ...environment },
      undefined,
      launch,
    );
    const told = Object.entries(shown).reduce(
      (text, [ours, theirs]) => text.replaceAll(ours, theirs),
      errors,
    );
    return { code, output, told };
  } finally {
    await home.remove();
  }
};

describe('a local mistake', function () {
  this.timeout(60_000);
  const documented = documentedMistakes();
  const outcomes = new Map<Mistake, ReturnType<typeof outcomeOf>>();
  const missing = new Map<Mistake, string | undefined>();
  let listener: Server;

  before(async () => {
    listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    MISTAKES.forEach((mistake) => missing.set(mistake, mistake.needs?.()));
    const lanes = Array.from({ length: AT_ONCE }, () => Promise.resolve<unknown>(undefined));
    MISTAKES.filter((mistake) => missing.get(mistake) === undefined).forEach((mistake, index) => {
      const outcome = lanes[index % AT_ONCE]?.then(() => outcomeOf(mistake, port));
      if (outcome === undefined) return;
      outcomes.set(mistake, outcome);
      lanes[index % AT_ONCE] = outcome.catch(() => undefined);
    });
  });
  after(async () => {
    await Promise.allSettled(outcomes.values());
    listener.close();
  });

  for (const mistake of MISTAKES) {
    const { row, of, code = 2 } = mistake;
    const which = of === undefined ? row : `${row} (${of})`;
    it(`exits ${code} with the sentence on the page: ${which}`, async function () {
      const reason = missing.get(mistake);
      if (reason !== undefined) {
        process.stdout.write(`      skipped: ${reason}\n`);
        return this.skip();
      }
      expect(await outcomes.get(mistake)).to.deep.equal({
        code,
        output: '',
        told: `${documented.get(row)}\n`,
      });
    });
  }

  it('is on the page only if it is provoked here', () => {
    expect([...documented.keys()]).to.have.members([...new Set(MISTAKES.map(({ row }) => row))]);
  });
});

describe('the oldest supported Node', () => {
  it('is the same in the package and at the start', async () => {
    const root = new URL('../../../', import.meta.url);
    const manifest = await readFile(new URL('package.json', root), 'utf8');
    const { engines } = JSON.parse(manifest) as { engines: { node: string } };
    const source = await readFile(new URL('src/main.ts', root), 'utf8');
    const lowest = /LOWEST = \[(\d+), (\d+)\]/.exec(source)?.slice(1).join('.');
    expect(engines.node).to.equal(`>=${lowest}`);
  });
});
