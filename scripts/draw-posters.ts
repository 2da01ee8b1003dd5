import { readFile, writeFile } from 'node:fs/promises';
import { withPosters } from './support/sample-posters.js';

/** Draws the posters of the sample catalogue anew, into its column `image`. Argument: the file. */
const [file = 'data/sample-catalog.csv'] = process.argv.slice(2);
await writeFile(file, withPosters(await readFile(file, 'utf8')));
