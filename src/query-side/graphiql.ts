import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { RequestHandler } from 'express';

const DEFAULT_QUERY = `{
  topAnimesByViews(limit: 10) {
    animeId
    totalViews
    totalClicks
    averageRating
  }
}
`;

/** The page holds scripts, styles and fonts itself: 9 MB, so it is loaded and compressed when first asked for. */
const renderCompressed = async (): Promise<Buffer> => {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const page = renderGraphiQL({ title: 'Anime Analytics', defaultQuery: DEFAULT_QUERY });
  return promisify(gzip)(page.trimStart());
};

/** GraphiQL as one page that needs nothing from anywhere else. */
export const graphiql = (): RequestHandler => {
  let page: Promise<Buffer> | undefined;
  return async (req, res) => {
    page ??= renderCompressed();
    const compressed = await page;
    res.setHeader('Content-Type', 'text/html; charset=utf-8');
    res.vary('Accept-Encoding');
    if (req.acceptsEncodings('gzip') === false) {
      res.end(await promisify(gunzip)(compressed));
      return;
    }
    res.setHeader('Content-Encoding', 'gzip');
    res.end(compressed);
  };
};
