import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { benchArguments } from './support/arguments.js';
import { printHost, printJson, printTable } from './support/report.js';
import { median } from './support/rounds.js';
import { clickOn, listing, openWriteSide, type WriteSide } from './support/write-side.js';

/**
 * What one command costs when its anime has a long history: warm, and touched first after a
 * restart, beside an anime that has just been listed, command by command in turn.
 */

const { quick, rounds } = benchArguments();
const LENGTHS = quick ? [1_000, 10_000] : [1_000, 10_000, 100_000, 1_000_000];
const COMMANDS_PER_ROUND = quick ? 50 : 200;
const AT_ONCE = 1000;
const LONG = 1;

const grow = async (side: WriteSide, from: number, to: number): Promise<void> => {
  for (let length = from; length < to; length += AT_ONCE) {
    const count = Math.min(AT_ONCE, to - length);
    await Promise.all(
      Array.from({ length: count }, (_, index) => side.send(clickOn(LONG, length + index))),
    );
  }
};

const timed = async (send: () => Promise<void>): Promise<number> => {
  const startedAt = performance.now();
  await send();
  return performance.now() - startedAt;
};

interface Round {
  readonly firstLong: number;
  readonly firstShort: number;
  readonly warmLong: number;
  readonly warmShort: number;
}

/** Opens everything anew, so that nothing of the long anime is in memory. */
const measureRound = async (directory: string, short: number): Promise<Round> => {
  const side = await openWriteSide(directory);
  try {
    // Another anime pays for what the process does only once.
    await side.send(listing(short));
    await side.send(listing(short + 1));
    const firstShort = await timed(() => side.send(clickOn(short + 1, 0)));
    const firstLong = await timed(() => side.send(clickOn(LONG, 0)));
    const long: number[] = [];
    const brief: number[] = [];
    for (let count = 0; count < COMMANDS_PER_ROUND; count += 1) {
      brief.push(await timed(() => side.send(clickOn(short, count))));
      long.push(await timed(() => side.send(clickOn(LONG, count))));
    }
    return { firstLong, firstShort, warmLong: median(long), warmShort: median(brief) };
  } finally {
    await side.close();
  }
};

printHost();
const directory = await mkdtemp(join(tmpdir(), 'anime-analytics-bench-'));
const rows = [];
try {
  let length = 0;
  let short = 1000;
  for (const target of LENGTHS) {
    const side = await openWriteSide(directory);
    if (length === 0) await side.send(listing(LONG));
    const startedAt = performance.now();
    await grow(side, length, target);
    const eventsPerSecond = ((target - length) / (performance.now() - startedAt)) * 1000;
    length = target;
    await side.close();
    const found: Round[] = [];
    for (let round = 0; round < rounds; round += 1) {
      found.push(await measureRound(directory, short));
      short += 2;
    }
    rows.push({
      length,
      warmMs: median(found.map(({ warmLong }) => warmLong)),
      warmToShort: median(found.map(({ warmLong, warmShort }) => warmLong / warmShort)),
      firstTouchMs: median(found.map(({ firstLong }) => firstLong)),
      firstTouchShortMs: median(found.map(({ firstShort }) => firstShort)),
      eventsPerSecond,
    });
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}
printTable(
  [
    'events in the stream',
    'warm p50 ms',
    'x a new stream',
    'first touch ms',
    'of a new stream',
    'grown at events/s',
  ],
  rows.map((row) => [
    ...[row.length, row.warmMs, row.warmToShort, row.firstTouchMs, row.firstTouchShortMs],
    Math.round(row.eventsPerSecond),
  ]),
);
printJson('stream-growth', { quick, rounds, rows });
