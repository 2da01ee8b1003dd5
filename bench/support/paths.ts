import { fileURLToPath } from 'node:url';

/** A compiled file of this project, by its path below dist/. */
export const compiled = (path: string): string =>
  fileURLToPath(new URL(`../../${path}`, import.meta.url));
