import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The folder of package.json, with a slash at its end. */
export const PACKAGE_ROOT = fileURLToPath(new URL('../../../', import.meta.url));

const manifest = JSON.parse(readFileSync(`${PACKAGE_ROOT}package.json`, 'utf8')) as {
  readonly version: string;
};

/** The version of this service, as its package says. */
export const VERSION = manifest.version;
