// Bundles what runs in browsers, the dashboard and the client, to dist/, and checks its types; each only if
// something of it changed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SRC = fileURLToPath(new URL('.', import.meta.url));
const ROOT = join(SRC, '..');

/** One hash of everything that the bundle is made of. */
const inputs = (source) => {
  const hash = createHash('sha256');
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).sort();
  for (const file of files) {
    const path = join(source, file);
    if (statSync(path).isFile()) hash.update(`${file}\0`).update(readFileSync(path));
  }
  return hash.update(readFileSync(join(ROOT, 'package-lock.json'))).digest('hex');
};

const run = (script, ...args) => {
  const node = [join(ROOT, 'node_modules', script), ...args];
  const { status } = spawnSync(process.execPath, node, { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};

for (const name of ['dashboard', 'client']) {
  const current = inputs(join(SRC, name));
  const builtFrom = join(ROOT, 'dist', name, '.built-from');
  if (existsSync(builtFrom) && readFileSync(builtFrom, 'utf8') === current) continue;
  run('vite/bin/vite.js', 'build', '--config', `src/${name}/vite.config.js`);
  run('typescript/bin/tsc', '-p', `src/${name}`);
  writeFileSync(builtFrom, current);
}
