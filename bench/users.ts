import { isAnimeId, isUserId } from '../src/domain/ids.js';
import { temporaryDirectory } from '../test/support/temporary-directory.js';
import { benchArguments } from './support/arguments.js';
import { openConnection } from './support/http-connection.js';
import { commandRequest, graphqlRequest } from './support/http-request.js';
import { printHost, printJson, printTable } from './support/report.js';
import { interleaved, median, ratio } from './support/rounds.js';
import { settled, startService, type Service } from './support/service.js';
import { listing, openWriteSide } from './support/write-side.js';

/**
 * What a rating costs on an anime that many users have rated, from the request until a query shows it, beside
 * one on an anime with few ratings, in turns.
 */

const { quick, rounds } = benchArguments();
const RATINGS = quick ? [100, 1_000] : [1_000, 10_000, 100_000];
const PROBES = quick ? 20 : 200;
const AT_ONCE = 1_000;

/** Whether they rate the anime for the first time or once more. */
type Users = 'new' | 'known';

const rated = async (directory: string): Promise<void> => {
  const side = await openWriteSide(directory);
  try {
    for (const [index, count] of RATINGS.entries()) {
      const animeId = index + 1;
      await side.send(listing(animeId));
      for (let first = 0; first < count; first += AT_ONCE) {
        const users = Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, n) => first + n);
        await Promise.all(users.map((user) => side.send(ratingOf(animeId, `user-${user}`))));
      }
    }
  } finally {
    await side.close();
  }
};

const ratingOf = (animeId: number, userId: string) => {
  if (!isAnimeId(animeId) || !isUserId(userId)) throw new Error('Invalid ids.');
  return { type: 'GiveRating', animeId, userId, rating: 7, at: new Date().toISOString() } as const;
};

const STATS = `query Stats($animeId: Int!, $minRevision: String) {
  animeStats(animeId: $animeId, minRevision: $minRevision) { averageRating }
}`;

const probe = async (service: Service, animeId: number, users: Users, round: number) => {
  const commands = await openConnection(service.commandPort);
  const queries = await openConnection(service.queryPort);
  const accepted: number[] = [];
  const visible: number[] = [];
  try {
    for (let count = 0; count < PROBES; count += 1) {
      const userId = users === 'new' ? `new-${round}-${count}` : `user-${count}`;
      const request = commandRequest({ kind: 'rating', animeId, userId, rating: 8 });
      const startedAt = performance.now();
      const { status, body } = await commands.send(request);
      if (status !== 201) throw new Error(`A rating was answered ${status}: ${body}`);
      accepted.push(performance.now() - startedAt);
      const { revision } = JSON.parse(body) as { revision: string };
      const answer = await queries.send(graphqlRequest(STATS, { animeId, minRevision: revision }));
      if (answer.body.includes('"errors"')) throw new Error(`A query failed: ${answer.body}`);
      visible.push(performance.now() - startedAt);
    }
  } finally {
    commands.close();
    queries.close();
  }
  return { accepted: median(accepted), visible: median(visible) };
};

const contenders = RATINGS.flatMap((ratings, index) =>
  (['new', 'known'] as const).map((users) => ({
    name: `${ratings} ${users}`,
    ratings,
    users,
    animeId: index + 1,
  })),
);

printHost();
const directory = await temporaryDirectory();
try {
  await rated(directory.path);
  const service = await startService(directory.path);
  try {
    await settled(service);
    // The first round teaches the just-in-time compilers.
    for (const { animeId, users } of contenders) await probe(service, animeId, users, rounds);
    const results = await interleaved(
      contenders.map(({ name, animeId, users }) => ({
        name,
        measure: (round) => probe(service, animeId, users, round),
      })),
      { rounds },
    );
    const rows = contenders.map(({ name, ratings, users }) => {
      const found = results.get(name) ?? [];
      const fewest = results.get(`${RATINGS[0]} ${users}`) ?? [];
      return {
        ratings,
        users,
        acceptedMs: median(found.map(({ accepted }) => accepted)),
        visibleMs: median(found.map(({ visible }) => visible)),
        toFewest: ratio(
          found.map(({ visible }) => visible),
          fewest.map(({ visible }) => visible),
        ),
      };
    });
    printTable(
      ['ratings', 'user', '201 p50 ms', 'visible p50 ms', 'x the fewest', 'lowest', 'highest'],
      rows.map(({ ratings, users, acceptedMs, visibleMs, toFewest }) => [
        ...[ratings, users, acceptedMs, visibleMs],
        ...[toFewest.median, toFewest.lowest, toFewest.highest],
      ]),
    );
    printJson('users', { quick, rounds, rows });
  } finally {
    await service.stop();
  }
} finally {
  await directory.remove();
}
