import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';

const PAGE = readFileSync('docs/client.md', 'utf8');

/** The examples of docs/client.md in one language, and the headings that they are under. */
export const clientExamples = (language: 'ts' | 'html') =>
  [...PAGE.matchAll(/^```(\w+)\n(.*?)^```$/gms)].flatMap(([, of, text = ''], at) => {
    const before = PAGE.slice(0, PAGE.indexOf(text));
    const heading = [...before.matchAll(/^#+ (.*)$/gm)].at(-1)?.[1] ?? '';
    return of === language ? [{ name: `${heading}, example ${at + 1}`, text }] : [];
  });

/** What the comments of an example say that it prints. */
export const printedBy = (text: string): string =>
  [...text.matchAll(/\/\/ prints (.*)$/gm)].map(([, line = '']) => `${line}\n`).join('');

/** Packs the package and puts it where npm does; the client needs none of its dependencies. */
export const installClient = async (directory: string): Promise<void> => {
  const run = promisify(execFile);
  const installed = join(directory, 'node_modules/anime-analytics');
  await mkdir(installed, { recursive: true });
  const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', directory]);
  const tarball = join(directory, stdout.trim());
  await run('tar', ['-xzf', tarball, '-C', installed, '--strip-components', '1']);
  await writeFile(join(directory, 'package.json'), '{ "type": "module" }');
};

const STRICT: ts.CompilerOptions = {
  strict: true,
  noEmitOnError: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
  types: [],
  preserveSymlinks: true,
};

/** Compiles as a page's project would: strictly, with the types of a browser. Returns what is wrong. */
export const compile = (directory: string, files: readonly string[]): readonly string[] => {
  const paths = files.map((file) => join(directory, file));
  const program = ts.createProgram(paths, { ...STRICT, outDir: directory });
  const { diagnostics } = program.emit();
  return [...ts.getPreEmitDiagnostics(program), ...diagnostics].map(({ messageText }) =>
    ts.flattenDiagnosticMessageText(messageText, '\n'),
  );
};

/** What it prints; fails if it ends with another code than 0, or not at all. */
export const runScript = async (directory: string, file: string): Promise<string> => {
  const options = { cwd: directory, timeout: 60_000 };
  const { stdout } = await promisify(execFile)(process.execPath, [file], options);
  return stdout;
};
