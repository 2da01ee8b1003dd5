import { expect } from 'chai';
import type { ListAnime } from '../../../src/domain/commands.js';
import {
  importCatalog,
  type CatalogImportOptions,
  type ImportProgress,
} from '../../../src/import/catalog-import.js';
import type { ListingOutcome } from '../../../src/import/import-report.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import {
  PortError,
  TooLargeError,
  UnavailableError,
  WrongExpectedRevisionError,
} from '../../../src/ports/errors.js';
import { AT } from '../../support/examples.js';
import { rejectionOf } from '../../support/rejection-of.js';

const file = async function* (...lines: string[]) {
  await Promise.resolve();
  yield Buffer.from(lines.join('\n'));
};

const manyTitles = (count: number) =>
  file('anime_id,name', ...Array.from({ length: count }, (_, index) => `${index + 1},Title`));

const run = (options: Partial<CatalogImportOptions> & Pick<CatalogImportOptions, 'source'>) =>
  importCatalog({
    list: () => Promise.resolve('listed'),
    now: () => Date.parse(AT),
    logger: silentLogger(),
    ...options,
  });

const none = { total: 0, first: [] };

describe('importCatalog', () => {
  it('sends one ListAnime per title, with the details of the file', async () => {
    const commands: ListAnime[] = [];
    await run({
      source: file('anime_id,name,rating', '1,Cowboy Bebop,8.82', '5,Tengoku no Tobira,'),
      list: (command) => {
        commands.push(command);
        return Promise.resolve('listed');
      },
    });
    expect(commands).to.deep.equal([
      {
        type: 'ListAnime',
        animeId: 1,
        at: AT,
        details: { title: 'Cowboy Bebop', score: 8.82 },
        relist: false,
      },
      {
        type: 'ListAnime',
        animeId: 5,
        at: AT,
        details: { title: 'Tengoku no Tobira' },
        relist: false,
      },
    ]);
  });

  it('lists delisted titles again only with relist', async () => {
    const relist: unknown[] = [];
    const list = (command: ListAnime) => {
      relist.push(command.relist);
      return Promise.resolve('listed' as const);
    };
    await run({ source: manyTitles(1), list, relist: true });
    await run({ source: manyTitles(1), list });
    expect(relist).to.deep.equal([true, false]);
  });

  it('counts the outcome of every row and lists those that were left out', async () => {
    const outcomes: readonly ListingOutcome[] = ['listed', 'revised', 'unchanged', 'delisted'];
    const report = await run({
      source: file('anime_id,name', '1,A', '2,B', '3,C', '4,D', '0,E', '4,F'),
      list: ({ animeId }) => Promise.resolve(outcomes[animeId - 1] ?? 'listed'),
    });
    expect(report).to.deep.equal({
      ended: 'completed',
      listed: 1,
      revised: 1,
      unchanged: 1,
      delisted: { total: 1, first: [{ line: 5, animeId: 4, title: 'D' }] },
      rejected: {
        total: 2,
        first: [
          { line: 6, reason: 'the id "0" is not a whole number from 1 to 2147483647' },
          { line: 7, reason: 'repeats the id 4 of line 5' },
        ],
      },
      failed: none,
      durationMs: 0,
    });
  });

  it('counts all rejected rows and keeps the first thousand', async () => {
    const rows = Array.from({ length: 1500 }, () => 'x,y');
    const { rejected } = await run({ source: file('anime_id,name', '1,A', ...rows) });
    expect(rejected.total).to.equal(1500);
    expect(rejected.first).to.have.lengthOf(1000);
    expect(rejected.first.map(({ line }) => line)).to.deep.equal(
      Array.from({ length: 1000 }, (_, index) => index + 3),
    );
  });

  it('has at most the allowed number of titles in flight', async () => {
    let inFlight = 0;
    let most = 0;
    const waiting: (() => void)[] = [];
    const report = await run({
      source: manyTitles(40),
      titlesInFlight: 8,
      list: async () => {
        inFlight += 1;
        most = Math.max(most, inFlight);
        if (inFlight === 8) setImmediate(() => waiting.splice(0).forEach((go) => go()));
        await new Promise<void>((resolve) => waiting.push(resolve));
        inFlight -= 1;
        return 'listed';
      },
    });
    expect(report.listed).to.equal(40);
    expect(most).to.equal(8);
  });

  it('begins only a part of the titles in flight in one turn, so that the store works meanwhile', async () => {
    let thisTurn = 0;
    let most = 0;
    const report = await run({
      source: manyTitles(500),
      titlesInFlight: 128,
      list: async () => {
        if (thisTurn === 0) setImmediate(() => (thisTurn = 0));
        thisTurn += 1;
        most = Math.max(most, thisTurn);
        await Promise.resolve();
        return 'listed';
      },
    });
    expect(report.listed).to.equal(500);
    expect(most).to.be.greaterThan(1).and.at.most(64);
  });

  it('retries a title after a conflict, with the same command', async () => {
    const commands: ListAnime[] = [];
    const report = await run({
      source: manyTitles(1),
      list: (command) => {
        commands.push(command);
        return commands.length === 1
          ? Promise.reject(new WrongExpectedRevisionError('anime-1', 1n, 2n))
          : Promise.resolve('revised');
      },
    });
    expect(report).to.include({ ended: 'completed', revised: 1 });
    expect(commands).to.have.lengthOf(2);
    expect(commands[1]).to.equal(commands[0]);
  });

  it('continues with other titles when one keeps conflicting or can never be stored', async () => {
    const report = await run({
      source: manyTitles(3),
      titleDeadlineMs: 0,
      list: ({ animeId }) => {
        if (animeId === 1) {
          return Promise.reject(new WrongExpectedRevisionError('anime-1', 1n, 2n));
        }
        if (animeId === 2) return Promise.reject(new TooLargeError('Too large.'));
        return Promise.resolve('listed');
      },
    });
    expect(report).to.deep.include({
      ended: 'completed',
      listed: 1,
      failed: {
        total: 2,
        first: [
          { line: 2, reason: 'Stream anime-1 is at 2, not at 1.' },
          { line: 3, reason: 'Too large.' },
        ],
      },
    });
  });

  for (const error of [
    new UnavailableError('Nobody answers.'),
    new PortError('ACCESS_DENIED', 'Not you.', false),
  ]) {
    it(`stops with the reason when the store keeps returning ${error.code}`, async () => {
      const report = await run({
        source: manyTitles(50),
        titleDeadlineMs: 0,
        titlesInFlight: 1,
        list: ({ animeId }) => (animeId <= 20 ? Promise.resolve('listed') : Promise.reject(error)),
      });
      expect(report).to.deep.include({ ended: 'failed', listed: 20, failed: none, error });
    });
  }

  it('passes a bug on, after the titles in flight', async () => {
    let settled = 0;
    const list = async ({ animeId }: ListAnime): Promise<ListingOutcome> => {
      if (animeId === 3) throw new TypeError('oops');
      await Promise.resolve();
      settled += 1;
      return 'listed';
    };
    const error = await rejectionOf(run({ source: manyTitles(500), list, titlesInFlight: 4 }));
    expect(error).to.be.an.instanceOf(TypeError).with.property('message', 'oops');
    expect(settled).to.be.below(20);
  });

  it('stops before the next title when aborted, and reports how far it got', async () => {
    const abort = new AbortController();
    const report = await run({
      source: manyTitles(500),
      titlesInFlight: 1,
      signal: abort.signal,
      list: ({ animeId }) => {
        if (animeId === 7) abort.abort();
        return Promise.resolve('listed');
      },
    });
    expect(report).to.include({ ended: 'aborted', listed: 7 });
  });

  it('stops retrying when aborted', async () => {
    const abort = new AbortController();
    const report = await run({
      source: manyTitles(1),
      signal: abort.signal,
      list: () => {
        abort.abort();
        return Promise.reject(new UnavailableError('Nobody answers.'));
      },
    });
    expect(report).to.deep.include({ ended: 'aborted', listed: 0, failed: none });
  });

  it('reports progress after every row', async () => {
    const seen: ImportProgress[] = [];
    await run({
      source: file('anime_id,name', '1,A', 'x,B', '2,C'),
      titlesInFlight: 1,
      onProgress: (progress) => seen.push(progress),
    });
    expect(seen).to.deep.equal([
      { titles: 1, rejected: 0, bytesRead: 18 },
      { titles: 1, rejected: 1, bytesRead: 22 },
      { titles: 2, rejected: 1, bytesRead: 25 },
    ]);
  });
});
