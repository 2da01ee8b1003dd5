import { resolve } from 'node:path';
import type { Config } from '../platform/config.js';
import { VERSION } from '../platform/version.js';

/** What a person reads once everything is up: where it is and what to paste. */
export const banner = (where: {
  readonly commands: string;
  readonly queries: string | null;
  readonly eventStore: string | null;
  readonly config: Config;
}): string => {
  const { commands, queries, eventStore, config } = where;
  const page = config.env === 'production' ? '' : '   (in a browser: GraphiQL)';
  const docs = config.env === 'production' ? '' : `   (its page: ${commands}/docs)`;
  const graphql =
    queries === null
      ? { address: '', example: '' }
      : {
          address: `\n  GraphQL       ${queries}/graphql${page}`,
          example: `\n  curl ${queries}/graphql -H 'Content-Type: application/json' -d '{"query": "{ animeStats(animeId: 1) { totalClicks totalViews } }"}'`,
        };
  return `Anime Analytics ${VERSION} is ready.

  Command API   ${commands}${docs}${graphql.address}
  Event store   ${eventStore ?? 'in this process only (EVENTSTORE_PORT=0)'}
  Data          ${resolve(config.dataDir)}

  curl -X POST ${commands}/click -H 'Content-Type: application/json' -d '{"anime_id": 1, "user_id": "user123"}'${graphql.example}

Ctrl-C stops it.
`;
};
