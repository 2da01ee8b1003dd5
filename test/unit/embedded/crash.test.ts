import { expect } from 'chai';
import { openEventLog } from '../../../src/adapters/embedded/log/open-event-log.js';
import { silentLogger } from '../../../src/platform/logger.js';
import { appendAndKill, type SentBatch } from '../../support/crash.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';

const STREAMS = ['a', 'b', 'c', 'd', 'e', 'f'];
const KILLS = 12;

const idsByStream = async (directory: string): Promise<Map<string, string[]>> => {
  const log = await openEventLog({ directory, logger: silentLogger() });
  const found = new Map<string, string[]>(STREAMS.map((stream) => [stream, []]));
  let from = 1n;
  for (let page = log.readAll(from, 'forwards', 500); page.length > 0;) {
    for (const { stream, revision, id, position } of page) {
      const ids = found.get(stream) ?? [];
      expect(revision).to.equal(BigInt(ids.length), `a hole in ${stream}`);
      ids.push(id);
      from = position + 1n;
    }
    page = log.readAll(from, 'forwards', 500);
  }
  await log.close();
  return found;
};

const expectWhole = (found: Map<string, string[]>, batches: readonly SentBatch[]): void => {
  for (const stream of STREAMS) {
    const sent = batches.filter((batch) => batch.stream === stream);
    const ids = new Set(found.get(stream));
    const present = sent.filter((batch) => ids.has(batch.ids[0] ?? ''));
    expect(present).to.include.members(sent.filter(({ acknowledged }) => acknowledged));
    expect(found.get(stream)).to.deep.equal(present.flatMap((batch) => batch.ids));
  }
};

describe('event log through kill -9', () => {
  it('holds every acknowledged append, and every batch whole or not at all', async () => {
    const directory = await temporaryDirectory();
    const batches: SentBatch[] = [];
    for (let kill = 0; kill < KILLS; kill += 1) {
      const afterBatches = 1 + Math.floor(Math.random() * 150);
      batches.push(...(await appendAndKill(directory.path, STREAMS, afterBatches)));
      expectWhole(await idsByStream(directory.path), batches);
    }
    await directory.remove();
  }).timeout(120_000);
});
