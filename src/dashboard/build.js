// Checks the types of the dashboard and bundles it to dist/dashboard, unless nothing of it changed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('.', import.meta.url));
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const INDEX = join(ROOT, 'dist/dashboard/index.html');
const BUILT_FROM = join(ROOT, 'dist/dashboard/.built-from');

/** One hash of everything that the bundle is made of. */
const inputs = () => {
  const hash = createHash('sha256');
  const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).sort();
  for (const file of files) {
    const path = join(SOURCE, file);
    if (statSync(path).isFile()) hash.update(`${file}\0`).update(readFileSync(path));
  }
  return hash.update(readFileSync(join(ROOT, 'package-lock.json'))).digest('hex');
};

const run = (script, ...args) => {
  const node = [join(ROOT, 'node_modules', script), ...args];
  const { status } = spawnSync(process.execPath, node, { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};

const current = inputs();
const isBuilt =
  existsSync(INDEX) && existsSync(BUILT_FROM) && readFileSync(BUILT_FROM, 'utf8') === current;
if (!isBuilt) {
  run('typescript/bin/tsc', '-p', 'src/dashboard');
  run('vite/bin/vite.js', 'build', '--config', 'src/dashboard/vite.config.js');
  writeFileSync(BUILT_FROM, current);
}
