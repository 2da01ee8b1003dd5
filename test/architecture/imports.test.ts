import { readFile, readdir } from 'node:fs/promises';
import { dirname, join, normalize, relative } from 'node:path';
import { expect } from 'chai';

const SOURCE = 'src';

interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const IMPORT = /(?:^|\n)(?:import|export)\s(?:[^;'"]*?\sfrom\s)?['"]([^'"]+)['"]/g;

const read = async (path: string): Promise<SourceFile> => {
  const text = await readFile(path, 'utf8');
  const imports = [...text.matchAll(IMPORT)].map(([, specifier = '']) =>
    specifier.startsWith('.')
      ? normalize(join(dirname(path), specifier)).replace(/\.js$/, '.ts')
      : specifier,
  );
  return { path, text, imports };
};

const sources = async (): Promise<SourceFile[]> => {
  const entries = await readdir(SOURCE, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.ts'));
  return Promise.all(files.map((file) => read(join(file.parentPath, file.name))));
};

/** The first folder below src, with the adapter's name: domain, adapters/embedded, main.ts. */
const roomOf = (path: string): string => {
  const [first = '', second = ''] = relative(SOURCE, path).split('/');
  return first === 'adapters' ? `${first}/${second}` : first;
};

const SIDES = ['command-side', 'bridge', 'read-side', 'query-side', 'import'];

/** Which rooms each room may import beside its own. Adapters: see below. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  ports: ['domain'],
  wire: ['domain', 'ports'],
  platform: ['ports'],
  ...Object.fromEntries(SIDES.map((side) => [side, ['domain', 'ports', 'wire', 'platform']])),
  'cli.ts': ['cli-help.ts'],
  'cli-help.ts': [],
  'main.ts': ['program.ts'],
  'program.ts': ['cli.ts', 'cli-help.ts', 'compose.ts', 'compose', 'platform'],
};

const ADAPTER_MAY_IMPORT = ['domain', 'ports', 'wire', 'platform'];

/** The only rooms that may import these packages. */
const VENDOR_ROOMS: Readonly<Record<string, readonly string[]>> = {
  '@eventstore/db-client': ['adapters/eventstoredb'],
  // Both ends of the same protocol.
  '@eventstore/db-client/generated': ['adapters/embedded', 'adapters/eventstoredb'],
  '@grpc/grpc-js': ['adapters/embedded', 'adapters/eventstoredb'],
  'google-protobuf': ['adapters/embedded', 'adapters/eventstoredb'],
  '@photostructure/sqlite': ['adapters/embedded'],
  'node:sqlite': ['adapters/embedded'],
  kafkajs: ['adapters/kafka'],
  mongodb: ['adapters/mongodb'],
};

const vendorRooms = (specifier: string): readonly string[] | undefined => {
  const vendors = Object.keys(VENDOR_ROOMS).filter(
    (vendor) => specifier === vendor || specifier.startsWith(`${vendor}/`),
  );
  const longest = vendors.sort((a, b) => b.length - a.length)[0];
  return longest === undefined ? undefined : VENDOR_ROOMS[longest];
};

const violations = (files: readonly SourceFile[], check: (file: SourceFile) => string[]) =>
  files.flatMap((file) => check(file).map((what) => `${file.path}: ${what}`));

describe('the rooms of the source', () => {
  let files: SourceFile[];

  before(async () => {
    files = await sources();
    expect(files.length).to.be.greaterThan(20);
  });

  it('import only what they may', () => {
    const found = violations(files, ({ path, imports }) => {
      const room = roomOf(path);
      const allowed = room.startsWith('adapters/') ? ADAPTER_MAY_IMPORT : MAY_IMPORT[room];
      if (allowed === undefined) return room.startsWith('compose') ? [] : ['an unknown room'];
      return imports
        .filter((specifier) => specifier.startsWith(`${SOURCE}/`))
        .map(roomOf)
        .filter((other) => other !== room && !allowed.includes(other));
    });
    expect(found).to.deep.equal([]);
  });

  it("keep the domain's rules out of the adapters", () => {
    const found = violations(files, ({ path, imports }) =>
      path.startsWith('src/adapters/')
        ? imports.filter((other) => /^src\/domain\/(decide|anime|commands)\.ts$/.test(other))
        : [],
    );
    expect(found).to.deep.equal([]);
  });

  it('import a vendor in its adapter alone', () => {
    const found = violations(files, ({ path, imports }) =>
      imports.filter((specifier) => {
        return vendorRooms(specifier)?.includes(roomOf(path)) === false;
      }),
    );
    expect(found).to.deep.equal([]);
  });

  it('leave packages out of the domain and the ports', () => {
    const found = violations(files, ({ path, imports }) =>
      ['domain', 'ports'].includes(roomOf(path))
        ? imports.filter((specifier) => !specifier.startsWith(`${SOURCE}/`))
        : [],
    );
    expect(found).to.deep.equal([]);
  });

  it('read the environment in one module alone', () => {
    const found = violations(files, ({ path, text }) =>
      path !== 'src/platform/config/environment.ts' && text.includes('process.env')
        ? ['process.env']
        : [],
    );
    expect(found).to.deep.equal([]);
  });

  it('have no import cycles', () => {
    const graph = new Map(files.map(({ path, imports }) => [path, imports]));
    const done = new Set<string>();
    const visit = (path: string, trail: readonly string[]): string[] => {
      if (trail.includes(path)) return [[...trail.slice(trail.indexOf(path)), path].join(' -> ')];
      if (done.has(path)) return [];
      const found = (graph.get(path) ?? []).flatMap((next) => visit(next, [...trail, path]));
      done.add(path);
      return found;
    };
    expect([...graph.keys()].flatMap((path) => visit(path, []))).to.deep.equal([]);
  });

  it('are files that can be read in one sitting', () => {
    const long = files.filter(({ text }) => text.split('\n').length > 300);
    expect(long.map(({ path }) => path)).to.deep.equal([]);
  });
});
