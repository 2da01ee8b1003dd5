import { mkdir, writeFile } from 'node:fs/promises';
import { clientTypes } from './support/client-types.js';

/** Writes the types of the client from the OpenAPI document and the GraphQL schema. */
const root = new URL('../../', import.meta.url);
await mkdir(new URL('src/client/generated/', root), { recursive: true });
for (const [path, text] of await clientTypes(root)) {
  await writeFile(new URL(path, root), text);
  console.log(path);
}
