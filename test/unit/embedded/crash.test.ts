import { expect } from 'chai';
import type { EventLog, LogRecord } from '../../../src/embedded-eventstore/log/event-log.js';
import { openEventLog } from '../../../src/embedded-eventstore/log/open-event-log.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import { appendAndKill, type SentBatch } from '../../support/crash.js';
import { textOf } from '../../support/event-log.js';
import { allLinks, wholeLog } from '../../support/links.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';

const STREAMS = ['a', 'b', 'c', 'd', 'e', 'f'];
const KILLS = 12;

const idsByStream = (log: EventLog): Map<string, string[]> => {
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

/** Checks that each event has one link, in log order, and that earlier links are unchanged. */
const expectSameLinks = async (
  log: EventLog,
  earlier: readonly LogRecord[],
): Promise<readonly LogRecord[]> => {
  const links = await allLinks(log, '$et-CrashTested');
  expect(links.slice(0, earlier.length)).to.deep.equal(earlier);
  expect(links.map(textOf)).to.deep.equal(
    wholeLog(log).map(({ stream, revision }) => `${revision}@${stream}`),
  );
  return links;
};

describe('event log through kill -9', () => {
  it('keeps every acknowledged append, every batch completely or not at all, and every link', async () => {
    const directory = await temporaryDirectory();
    const batches: SentBatch[] = [];
    let links: readonly LogRecord[] = [];
    for (let kill = 0; kill < KILLS; kill += 1) {
      const afterBatches = 1 + Math.floor(Math.random() * 150);
      batches.push(...(await appendAndKill(directory.path, STREAMS, afterBatches)));
      const log = await openEventLog({ directory: directory.path, logger: silentLogger() });
      expectWhole(idsByStream(log), batches);
      links = await expectSameLinks(log, links);
      await log.close();
    }
    await directory.remove();
  }).timeout(120_000);
});
