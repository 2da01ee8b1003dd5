import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { freePort } from '../support/free-port.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const run = promisify(execFile);
const urlOf = (path: string): string => pathToFileURL(join(process.cwd(), path)).href;
const CLIENT = urlOf('node_modules/@eventstore/db-client/dist/index.js');

/** What a client does that connects where the example says. */
const byClient = (port: number): string => `
import db from '${CLIENT}';
const client = db.EventStoreDBClient.connectionString('esdb://127.0.0.1:${port}?tls=false');
await client.appendToStream('movie-1', db.jsonEvent({ type: 'Seen', data: {} }));
for await (const { event } of client.readStream('movie-1')) console.log(event.type);
await client.dispose();
`;

describe('the example in the README of the embedded event store', () => {
  it('starts a node that a client appends to and reads, and stops it', async () => {
    const readme = await readFile('src/embedded-eventstore/README.md', 'utf8');
    const [, example = ''] = /^```ts\n(.*?)^```$/ms.exec(readme) ?? [];
    const directory = await temporaryDirectory();
    const port = await freePort();
    const script = example
      .replaceAll("from './", `from '${urlOf('dist/src/embedded-eventstore')}/`)
      .replace("'.data'", JSON.stringify(directory.path))
      .replace('port: 2113', `port: ${port}`)
      .replace(/^\/\/ EventStoreDB's clients connect to .*$/m, () => byClient(port));
    const file = join(directory.path, 'example.mjs');
    await writeFile(file, script);
    try {
      const { stdout } = await run(process.execPath, [file], { timeout: 30_000 });
      expect(stdout.split('\n')).to.include('Seen');
    } finally {
      await directory.remove();
    }
  });
});
