import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import ts from 'typescript';

/** The size and shape of src in numbers; `--names` lists what the last two are made of. */
const { values } = parseArgs({ options: { names: { type: 'boolean', default: false } } });

interface SourceFile {
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly string[];
  readonly names: readonly string[];
}

const importsOf = (file: ts.SourceFile): string[] =>
  file.statements.flatMap((statement) => {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) return [];
    const { moduleSpecifier } = statement;
    if (moduleSpecifier === undefined || !ts.isStringLiteral(moduleSpecifier)) return [];
    if (!moduleSpecifier.text.startsWith('.')) return [];
    const path = join(dirname(file.fileName), moduleSpecifier.text);
    return [path.replace(/\.js$/, '.ts')];
  });

const isNamedDeclaration = (
  node: ts.Statement,
): node is
  | ts.FunctionDeclaration
  | ts.ClassDeclaration
  | ts.InterfaceDeclaration
  | ts.TypeAliasDeclaration
  | ts.EnumDeclaration =>
  ts.isFunctionDeclaration(node) ||
  ts.isClassDeclaration(node) ||
  ts.isInterfaceDeclaration(node) ||
  ts.isTypeAliasDeclaration(node) ||
  ts.isEnumDeclaration(node);

const boundNames = (name: ts.BindingName): string[] =>
  ts.isIdentifier(name)
    ? [name.text]
    : name.elements.flatMap((element) =>
        ts.isOmittedExpression(element) ? [] : boundNames(element.name),
      );

/** What a file declares at its top level, exported or not, each name once. */
const namesOf = (file: ts.SourceFile): string[] => {
  const names = file.statements.flatMap((statement) => {
    if (ts.isVariableStatement(statement)) {
      return statement.declarationList.declarations.flatMap(({ name }) => boundNames(name));
    }
    return isNamedDeclaration(statement) && statement.name ? [statement.name.text] : [];
  });
  return [...new Set(names)];
};

const read = (path: string): SourceFile => {
  const text = readFileSync(path, 'utf8');
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest);
  const lines = text.split('\n').length - 1;
  return { path, lines, imports: importsOf(file), names: namesOf(file) };
};

const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .sort()
  .map((path) => read(join('src', path)));

/** By key, the paths of the files that have it. */
const filesBy = (keysOf: (file: SourceFile) => readonly string[]): Map<string, string[]> => {
  const found = new Map<string, string[]>();
  for (const file of files) {
    for (const key of new Set(keysOf(file))) {
      found.set(key, [...(found.get(key) ?? []), file.path]);
    }
  }
  return found;
};

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const list = (entries: readonly (readonly [string, readonly string[]])[]): void => {
  if (!values.names) return;
  for (const [key, paths] of entries) {
    print(`    ${key}: ${paths.map((path) => relative('src', path)).join(', ')}`);
  }
};

const row = (folder: string, inside: readonly SourceFile[]): void => {
  const lines = inside.reduce((sum, file) => sum + file.lines, 0);
  print(`${folder.padEnd(32)}${String(inside.length).padStart(6)}${String(lines).padStart(8)}`);
};

print(`${'folder'.padEnd(32)}${'files'.padStart(6)}${'lines'.padStart(8)}`);
for (const folder of [...new Set(files.map(({ path }) => dirname(path)))].sort()) {
  row(
    folder,
    files.filter(({ path }) => dirname(path) === folder),
  );
}
row('all', files);

const longest = files.reduce((most, file) => (file.lines > most.lines ? file : most));
print(`\nlongest file: ${String(longest.lines)} lines (${longest.path})`);
const single = [...filesBy(({ imports }) => imports)].filter(([, by]) => by.length === 1);
print(`files with exactly one importer: ${String(single.length)}`);
list(single);
const repeated = [...filesBy(({ names }) => names)].filter(([, by]) => by.length > 1);
print(`names declared at the top level of more than one file: ${String(repeated.length)}`);
list(repeated.sort(([a], [b]) => a.localeCompare(b)));
