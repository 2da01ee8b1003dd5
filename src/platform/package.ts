import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The directory of package.json, with a closing slash. */
export const PACKAGE_ROOT = fileURLToPath(new URL('../../../', import.meta.url));

const manifest = JSON.parse(readFileSync(`${PACKAGE_ROOT}package.json`, 'utf8')) as {
  readonly version: string;
};

/** The version in package.json. */
export const VERSION = manifest.version;
