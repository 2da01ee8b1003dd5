import { execFile } from 'node:child_process';
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { NotHere } from './server.js';

const run = promisify(execFile);

const MODULE = 'github.com/FerretDB/FerretDB';
const VERSION = 'v1.24.2';
/** What the built server says of itself: whoever looks sees that it is not the plain one. */
const BUILT_VERSION = `${VERSION}-mended-2`;
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const FOLDER = join(ROOT, '.stack', 'ferretdb');
const BINARY = join(FOLDER, 'ferretdb');

interface Mend {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/**
 * What this version does to its speed: its index on `_id` is made of another expression than it asks
 * for, so that every look-up reads the whole collection; a list of ids is not looked up at all; and an
 * update leaves its reading open until the whole command is done, so that a command with more than a
 * hundred waits for itself for ever. And what is wrong: an update reads a document, changes it and writes
 * it back without excluding other updates, so that of two at once one is lost. MongoDB's are atomic.
 */
const MENDS: readonly Mend[] = [
  {
    file: 'internal/backends/sqlite/metadata/metadata.go',
    from: `DefaultColumn + "->'$._id'"`,
    to: 'DefaultColumn + `->"_id"`',
  },
  {
    file: 'internal/handler/msg_update.go',
    from: 'result, err := common.UpdateDocument(ctx, c, "update", iter, &u)\n',
    to: 'result, err := common.UpdateDocument(ctx, c, "update", iter, &u)\n\t\tcloser.Close()\n',
  },
  ...[
    [
      'internal/handler/msg_update.go',
      'updateDocument',
      '*common.UpdateParams) (int32, int32, *types.Array, error)',
    ],
    [
      'internal/handler/msg_findandmodify.go',
      'findAndModifyDocument',
      '*common.FindAndModifyParams) (*findAndModifyResult, error)',
    ],
  ].map(([file = '', name = '', rest = '']) => {
    const from = `func (h *Handler) ${name}(ctx context.Context, params ${rest} {\n`;
    return {
      file,
      from,
      to: `${from}\tcommon.Updating.Lock()\n\tdefer common.Updating.Unlock()\n\n`,
    };
  }),
  {
    file: 'internal/backends/sqlite/collection.go',
    from: 'args = []any{string(must.NotFail(sjson.MarshalSingleValue(v)))}\n\t\t}\n\t}\n\n\tq += whereClause\n',
    to: `args = []any{string(must.NotFail(sjson.MarshalSingleValue(v)))}
		case *types.Document:
			whereClause, args = oneOf(v.(*types.Document))
		}
	}

	q += whereClause
`,
  },
];

const UPDATING = `package common

import "sync"

// Updating is held from the reading of a document to its writing.
var Updating sync.Mutex
`;

const ONE_OF = `
func oneOf(condition *types.Document) (string, []any) {
	in, _ := condition.Get("$in")
	values, ok := in.(*types.Array)
	if !ok || condition.Len() != 1 || values.Len() == 0 || values.Len() > 10000 {
		return "", nil
	}
	var args []any
	for i := 0; i < values.Len(); i++ {
		v, ok := must.NotFail(values.Get(i)).(string)
		if !ok {
			return "", nil
		}
		args = append(args, string(must.NotFail(sjson.MarshalSingleValue(v))))
	}
	return fmt.Sprintf(" WHERE %s IN (?%s)", metadata.IDColumn, strings.Repeat(", ?", len(args)-1)), args
}
`;

/** The server's program, built from its Go module the first time and kept in `.stack`. */
export const ferretdbBinary = async (): Promise<string> => {
  if (await isBuilt()) return BINARY;
  await mkdir(FOLDER, { recursive: true });
  const partial = await mkdtemp(join(FOLDER, 'partial-'));
  try {
    await build(partial);
    await rename(join(partial, 'ferretdb'), BINARY);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return BINARY;
};

const isBuilt = (): Promise<boolean> =>
  run(BINARY, ['--version']).then(
    ({ stdout }) => stdout.startsWith(`version: ${BUILT_VERSION}\n`),
    () => false,
  );

/** As a plain `go install` this version refuses to start: it misses the file that names its version. */
const build = async (folder: string): Promise<void> => {
  const source = join(folder, 'source');
  await cp(await moduleSource(), source, { recursive: true });
  await makeWritable(source);
  await writeFile(join(source, 'build', 'version', 'version.txt'), BUILT_VERSION);
  for (const mend of MENDS) await apply(source, mend);
  const collection = join(source, 'internal/backends/sqlite/collection.go');
  await writeFile(collection, (await readFile(collection, 'utf8')) + ONE_OF);
  await writeFile(join(source, 'internal/handler/common/updating.go'), UPDATING);
  const args = [
    'build',
    '-C',
    source,
    '-buildvcs=false',
    '-trimpath',
    '-o',
    join(folder, 'ferretdb'),
  ];
  await go([...args, './cmd/ferretdb']);
};

const moduleSource = async (): Promise<string> => {
  const answer = JSON.parse(await go(['mod', 'download', '-json', `${MODULE}@${VERSION}`])) as {
    readonly Dir: string;
  };
  return answer.Dir;
};

const go = async (args: readonly string[]): Promise<string> => {
  try {
    const { stdout } = await run('go', args, { env: { ...process.env, CGO_ENABLED: '0' } });
    return stdout;
  } catch (error) {
    throw new NotHere(
      'there is no MongoDB: neither MONGODB_URL, nor Docker, nor FerretDB built with Go ' +
        `(${error instanceof Error ? error.message.trim() : String(error)})`,
    );
  }
};

/** What Go keeps of a module is read-only, and so is its copy. */
const makeWritable = async (folder: string): Promise<void> => {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
  }
};

const apply = async (source: string, { file, from, to }: Mend): Promise<void> => {
  const path = join(source, file);
  const parts = (await readFile(path, 'utf8')).split(from);
  if (parts.length !== 2) throw new Error(`What is to be mended is not in ${file}.`);
  await writeFile(path, parts.join(to));
};
