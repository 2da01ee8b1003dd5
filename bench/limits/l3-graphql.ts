import express from 'express';
import { buildSchema } from 'graphql';
import { createHandler } from 'graphql-http/lib/use/express';

/**
 * The ceiling for queries with graphql-http as it comes: the top lists, sorted in memory once,
 * every request parsed and validated anew.
 */
const schema = buildSchema(`
  type Query {
    topAnimesByViews(limit: Int = 10): [AnimeStats!]!
    topAnimesByRating(limit: Int = 10): [AnimeStats!]!
  }
  type AnimeStats {
    animeId: Int! totalClicks: Float! totalViews: Float! totalRatings: Float!
    averageRating: Float totalDurationSeconds: Float!
  }
`);

const stats = Array.from({ length: 100 }, (_, index) => ({
  animeId: index + 1,
  totalClicks: 6000 - index,
  totalViews: 3000 - index,
  totalRatings: 1000 - index,
  averageRating: 10 - index / 100,
  totalDurationSeconds: 1_000_000 - index,
}));

const top = ({ limit }: { limit: number }) => stats.slice(0, limit);

const app = express();
app.disable('x-powered-by');
app.post(
  '/graphql',
  createHandler({ schema, rootValue: { topAnimesByViews: top, topAnimesByRating: top } }),
);

const server = app.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify(server.address()));
});
process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeAllConnections();
});
