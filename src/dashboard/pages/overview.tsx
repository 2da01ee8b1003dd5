import { urlOf } from '../data/base.js';
import { errorOfStatus } from '../data/errors.js';
import { request } from '../data/graphql.js';
import {
  type HealthResponse,
  NUMBERS_QUERY,
  type Pipeline,
  SERVICE_INFO_QUERY,
  type ServiceSummary,
} from '../data/pipeline.js';
import {
  ACTIVITY_QUERY,
  type ActivityPoint,
  type EntryWithStats,
  type OverallTotals as TotalsOfAll,
  sparklinesOf,
  type Stats,
  TITLES_QUERY,
  TOP_BY_RATING_QUERY,
  TOP_BY_VIEWS_QUERY,
  TOTALS_QUERY,
  TRENDING_QUERY,
} from '../data/queries.js';
import { usePolled, useQuery } from '../data/use-query.js';
import { ActivityChart } from '../parts/charts.js';
import { NewestEvents } from '../parts/events.js';
import { formats } from '../parts/formats.js';
import { Link } from '../parts/navigation.js';
import { Empty, Loaded, Panel } from '../parts/panel.js';
import { Badge, Table, Tile, TitleLink } from '../parts/small.js';
import { TopTable } from '../parts/top-table.js';

/** The state of each part, and what an operator must do. */
const HealthReportOf = ({ report }: { readonly report: HealthResponse }) => {
  const troubles = Object.values(report.problems ?? {}).flatMap(({ streams }) => streams);
  return (
    <>
      <ul class="states">
        <li>
          <span>Service</span> <Badge state={report.status} />
        </li>
        {Object.entries(report.dependencies).map(([name, status]) => (
          <li key={name}>
            <span>{name.replaceAll('-', ' ')}</span> <Badge state={status} />
          </li>
        ))}
      </ul>
      {troubles.map(({ stream, detail, remedy }) => (
        <p key={stream} class="trouble">
          <strong>{stream}</strong>: {detail} {remedy}
        </p>
      ))}
    </>
  );
};

const ABSENT_STATISTICS = 'This service does not serve this list.';

export const Overview = () => (
  <>
    <h1>Overview</h1>
    <Totals />
    <div class="grid">
      <ByViews />
      <ByRating />
      <Activity />
      <NewestEvents />
      <Trending />
      <Health />
    </div>
  </>
);

const Totals = () => {
  const all = useQuery<{ totals: TotalsOfAll }>(TOTALS_QUERY, {}, { everyMs: 2000 });
  const activity = useQuery<{ activity: readonly ActivityPoint[] }>(
    ACTIVITY_QUERY,
    {},
    { everyMs: 2000 },
  );
  const numbers = useQuery<{ pipeline: Pick<Pipeline, 'rates' | 'readModels'> | null }>(
    NUMBERS_QUERY,
    {},
    { everyMs: 2000 },
  );
  const info = useQuery<{ serviceInfo: ServiceSummary }>(SERVICE_INFO_QUERY, {}, { everyMs: 2000 });
  const totals = all.data?.totals;
  const today = activity.data?.activity.at(-1);
  const rates = numbers.data?.pipeline?.rates;
  const lag = info.data?.serviceInfo;
  return (
    <dl class="tiles" aria-label="Totals and rates">
      <Tile name="Titles" value={formats.count(totals?.listed)} />
      <Tile name="Clicks" value={formats.compact(totals?.clicks)} />
      <Tile name="Views" value={formats.compact(totals?.views)} />
      <Tile name="Ratings" value={formats.compact(totals?.ratings)} />
      <Tile name="Hours viewed" value={formats.compact(hours(totals?.seconds))} />
      <Tile name="Clicks today (UTC)" value={formats.count(today?.clicks)} />
      <Tile name="Views today" value={formats.count(today?.views)} />
      <Tile name="Ratings today" value={formats.count(today?.ratings)} />
      <Tile name="Hours viewed today" value={formats.compact(hours(today?.seconds))} />
      <Tile name="Commands" value={formats.rate(rates?.commands)} unit="/s" />
      <Tile name="Documents saved" value={formats.rate(rates?.documents)} unit="/s" />
      <Tile name="Queries" value={formats.rate(rates?.queries)} unit="/s" />
      <Tile name="Behind the log" value={formats.count(lag?.lagEvents)} unit="events" />
    </dl>
  );
};

const hours = (seconds: number | undefined): number | undefined =>
  seconds === undefined ? undefined : seconds / 3600;

type Sparklines = Readonly<Record<string, readonly { views: number; ratings: number }[] | null>>;

/** Views or ratings per day of the listed titles; without them the lists stay as they are. */
const useSparklines = (stats: readonly Stats[] | undefined, of: 'views' | 'ratings') => {
  const ids = (stats ?? []).map(({ animeId }) => animeId).sort((a, b) => a - b);
  const { data } = useQuery<Sparklines>(
    sparklinesOf(ids),
    {},
    {
      everyMs: 15_000,
      enabled: ids.length > 0,
    },
  );
  return (animeId: number): readonly number[] | undefined =>
    data?.[`a${animeId}`]?.map((point) => point[of]);
};

const ByViews = () => {
  const asked = useQuery<{ topAnimesByViews: readonly Stats[] }>(
    TOP_BY_VIEWS_QUERY,
    {},
    { everyMs: 2000 },
  );
  const sparkline = useSparklines(asked.data?.topAnimesByViews, 'views');
  return (
    <Panel title="Most viewed">
      <Loaded asked={asked} absent={ABSENT_STATISTICS}>
        {({ topAnimesByViews: stats }) =>
          stats.length === 0 ? (
            <NothingYet />
          ) : (
            <TopTable label="Most viewed" by="views" stats={stats} sparkline={sparkline} />
          )
        }
      </Loaded>
    </Panel>
  );
};

const ByRating = () => {
  const asked = useQuery<{ topAnimesByRating: readonly Stats[] }>(
    TOP_BY_RATING_QUERY,
    {},
    { everyMs: 2000 },
  );
  const sparkline = useSparklines(asked.data?.topAnimesByRating, 'ratings');
  return (
    <Panel title="Best rated">
      <Loaded asked={asked} absent={ABSENT_STATISTICS}>
        {({ topAnimesByRating: stats }) =>
          stats.length === 0 ? (
            <Empty>No title has five ratings yet.</Empty>
          ) : (
            <TopTable label="Best rated" by="rating" stats={stats} sparkline={sparkline} />
          )
        }
      </Loaded>
    </Panel>
  );
};

/** Tells an empty catalogue from one that nobody used yet. */
const NothingYet = () => {
  const { data } = useQuery<{ searchAnimes: { total: number } }>(
    TITLES_QUERY,
    {},
    { everyMs: 5000 },
  );
  if (data?.searchAnimes.total !== 0) {
    return (
      <Empty>
        No views yet. Open a title of the <Link to="catalogue">catalogue</Link> and send one.
      </Empty>
    );
  }
  return (
    <Empty>
      The catalogue is empty. Import one: <code>npx anime-analytics import-catalog FILE</code>, for
      example <code>data/sample-catalog.csv</code>.
    </Empty>
  );
};

const Activity = () => {
  const asked = useQuery<{ activity: readonly ActivityPoint[] }>(
    ACTIVITY_QUERY,
    {},
    { everyMs: 5000 },
  );
  return (
    <Panel title="Activity of the last 30 days">
      <Loaded asked={asked} absent="This service does not serve the activity per day.">
        {({ activity }) => <ActivityChart label="Activity per day" points={activity} />}
      </Loaded>
    </Panel>
  );
};

const Trending = () => {
  const asked = useQuery<{ trendingAnimes: readonly EntryWithStats[] }>(
    TRENDING_QUERY,
    {},
    { everyMs: 5000 },
  );
  return (
    <Panel title="Trending this week">
      <Loaded asked={asked} absent={ABSENT_STATISTICS}>
        {({ trendingAnimes }) =>
          trendingAnimes.length === 0 ? (
            <Empty>Nothing happened in the last seven days.</Empty>
          ) : (
            <Table
              label="Trending this week"
              head={['Title', 'Type', '#Clicks', '#Views', '#Ratings']}
            >
              {trendingAnimes.map((each) => (
                <tr key={each.myanimelistId}>
                  <th scope="row">
                    <TitleLink id={each.myanimelistId} title={each.title} />
                  </th>
                  <td>{each.type ?? '–'}</td>
                  <td class="number">{formats.compact(each.totalClicks)}</td>
                  <td class="number">{formats.compact(each.totalViews)}</td>
                  <td class="number">{formats.compact(each.totalRatings)}</td>
                </tr>
              ))}
            </Table>
          )
        }
      </Loaded>
    </Panel>
  );
};

/** 503 is an answer here: it says what is unhealthy. */
const loadHealth = async (signal: AbortSignal): Promise<HealthResponse> => {
  const response = await request(urlOf('health'), { signal });
  const body = (await response.json()) as HealthResponse;
  if (!('dependencies' in body)) throw errorOfStatus(response.status, undefined);
  return body;
};

const Health = () => {
  const asked = usePolled(loadHealth, 'health', { everyMs: 3000 });
  return (
    <Panel title="Health" aside={<Link to="pipeline">Pipeline</Link>}>
      <Loaded asked={asked} absent="This address has no /health.">
        {(report) => <HealthReportOf report={report} />}
      </Loaded>
    </Panel>
  );
};
