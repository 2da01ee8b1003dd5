import { type Settings, urlOf } from '../data/base.js';
import { Empty, Panel } from '../parts/panel.js';
import { Copyable } from '../parts/small.js';

/** Where everything else is, and how to call it. */
export const Api = ({ settings }: { readonly settings: Settings | undefined }) => {
  const commands = settings?.commands ?? null;
  const shown = commands ?? 'https://commands.example';
  const graphql = urlOf('graphql');
  return (
    <>
      <h1>API</h1>
      <div class="grid">
        <Panel title="Elsewhere">
          <ul class="elsewhere">
            {settings?.graphiql === true && (
              <Place
                href={graphql}
                name="GraphiQL"
                about="ask the query API, with its documentation"
              />
            )}
            <Place href={urlOf('health')} name="Health" about="each dependency, as JSON" />
            <Place href={urlOf('ready')} name="Ready" about="for load balancers" />
            <Place href={urlOf('metrics')} name="Metrics" about="for Prometheus" />
            {commands !== null && (
              <>
                <Place
                  href={`${commands}/docs`}
                  name="Command API"
                  about="its OpenAPI document, rendered"
                />
                <Place
                  href={`${commands}/openapi.json`}
                  name="OpenAPI"
                  about="the document itself"
                />
                <Place
                  href={`${commands}/metrics`}
                  name="Metrics of the command API"
                  about="for Prometheus"
                />
                <Place
                  href={`${commands}/health`}
                  name="Health of the command API"
                  about="as JSON"
                />
              </>
            )}
            {settings?.eventStoreUi != null && (
              <Place href={settings.eventStoreUi} name="Event store" about="its own pages" />
            )}
          </ul>
          {commands === null && (
            <Empty>
              The command API runs in another process or behind an address that this one does not
              know; the examples use a placeholder.
            </Empty>
          )}
        </Panel>
        <Panel title="With curl">
          <Copyable label="curl command" text={curlOf(shown, graphql, settings?.keys === true)} />
        </Panel>
        <Panel title="From a page: a beacon">
          <p>A browser sends it even while it leaves the page. It needs no preflight.</p>
          <Copyable label="beacon" text={beaconOf(shown)} />
          <p>
            Pages of other origins are listed in <code>CORS_ORIGINS</code>.
          </p>
        </Panel>
        <Panel title="With Apollo Client">
          <Copyable label="Apollo Client" text={apolloOf(graphql)} />
        </Panel>
      </div>
    </>
  );
};

const Place = ({
  href,
  name,
  about,
}: {
  readonly href: string;
  readonly name: string;
  readonly about: string;
}) => (
  <li>
    <a href={href}>{name}</a> {about}
  </li>
);

const curlOf = (commands: string, graphql: string, keys: boolean): string => {
  const key = keys ? ` \\\n  -H "X-Api-Key: $API_KEY"` : '';
  return `curl -X POST ${commands}/click${key} \\
  -H 'Content-Type: application/json' \\
  -d '{"anime_id": 1, "user_id": "user123"}'

curl ${graphql}${key} \\
  -H 'Content-Type: application/json' \\
  -d '{"query": "{ animeStats(animeId: 1) { totalClicks totalViews averageRating } }"}'`;
};

const beaconOf = (commands: string): string => `navigator.sendBeacon(
  '${commands}/view',
  JSON.stringify({ anime_id: 1, user_id: 'user123', duration_seconds: 1440 }),
);`;

const apolloOf = (
  graphql: string,
): string => `import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';

const client = new ApolloClient({
  link: new HttpLink({ uri: '${graphql}' }),
  cache: new InMemoryCache(),
});

const { data } = await client.query({
  query: gql\`{ topAnimesByViews(limit: 10) { id title totalViews } }\`,
});`;
