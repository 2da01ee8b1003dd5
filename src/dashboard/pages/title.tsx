import { useEffect, useState } from 'preact/hooks';
import type { Settings } from '../data/base.js';
import { useLive } from '../data/live.js';
import {
  ANIME_QUERY,
  ANIME_ACTIVITY_QUERY,
  ANIME_STATS_QUERY,
  type ActivityPoint,
  DISTRIBUTION_QUERY,
  type Distribution,
  type Entry,
  type EntryWithStats,
  type EventPage,
  LIVE_STATS,
  SIMILAR_QUERY,
  type Stats,
  STREAM_QUERY,
} from '../data/queries.js';
import { streamPath } from '../data/route.js';
import { useQuery } from '../data/use-query.js';
import { ActivityChart, Bars } from '../parts/charts.js';
import { DemoCommands } from '../parts/demo-commands.js';
import { EventList } from '../parts/events.js';
import { formats } from '../parts/formats.js';
import { Link } from '../parts/navigation.js';
import { Empty, Loaded, Panel } from '../parts/panel.js';
import { LiveMark, Poster, Table, Tile, TitleLink } from '../parts/small.js';

interface TitleProps {
  readonly animeId: number;
  readonly settings: Settings | undefined;
}

export const Title = ({ animeId, settings }: TitleProps) => {
  const asked = useQuery<{ anime: Entry | null }>(ANIME_QUERY, { animeId }, { everyMs: 10_000 });
  const title = asked.data?.anime?.title;
  useEffect(() => {
    document.title = `${title ?? `Anime ${animeId}`} · Anime Analytics`;
  }, [title, animeId]);
  return (
    <>
      <h1>{title ?? `Anime ${animeId}`}</h1>
      <Loaded asked={asked} absent="This service does not serve the catalogue.">
        {({ anime }) =>
          anime === null ? (
            <Empty>
              No title has the id {animeId}. <Link to="catalogue">Search the catalogue</Link>
            </Empty>
          ) : (
            <TitleOf anime={anime} settings={settings} />
          )
        }
      </Loaded>
    </>
  );
};

const TitleOf = ({
  anime,
  settings,
}: {
  readonly anime: Entry;
  readonly settings: Settings | undefined;
}) => {
  const animeId = anime.myanimelistId;
  const [newer, setNewer] = useState<Stats | undefined>();
  const live = useLive(LIVE_STATS, { animeId }, ({ animeStats }) => {
    if (animeStats !== null) setNewer(animeStats);
  });
  const isLive = live === 'open';
  const asked = useQuery<{ animeStats: Stats | null }>(
    ANIME_STATS_QUERY,
    { animeId },
    {
      everyMs: isLive ? 10_000 : 800,
    },
  );
  useEffect(() => setNewer(undefined), [asked.data]);
  const stats = newer ?? asked.data?.animeStats ?? null;
  return (
    <>
      <div class="title-head">
        <Poster image={anime.image} title={anime.title} />
        <div>
          <p class="facts-line">
            {[
              anime.type,
              anime.episodes !== null && `${formats.count(anime.episodes)} episodes`,
              anime.score !== null && `score ${formats.decimal(anime.score, 2)}`,
              anime.popularity !== null && `popularity ${formats.count(anime.popularity)}`,
              `id ${anime.myanimelistId}`,
            ]
              .filter(Boolean)
              .join(' · ')}
          </p>
          {anime.description !== null && <p class="description">{anime.description}</p>}
          {anime.image !== null && !anime.image.startsWith('data:') && (
            <p>
              <a href={anime.image} rel="noreferrer noopener" target="_blank">
                Picture on another host
              </a>
            </p>
          )}
        </div>
      </div>
      <Panel title="Counters" aside={<LiveMark state={live} />}>
        <dl class="tiles">
          <Tile name="Clicks" value={formats.count(stats?.totalClicks)} />
          <Tile name="Views" value={formats.count(stats?.totalViews)} />
          <Tile name="Viewing time" value={formats.duration(stats?.totalDurationSeconds)} />
          <Tile name="Ratings" value={formats.count(stats?.totalRatings)} />
          <Tile name="Average rating" value={formats.decimal(stats?.averageRating, 2)} />
        </dl>
        <DemoCommands
          animeId={animeId}
          settings={settings}
          onStats={(seen) => (isLive ? undefined : setNewer(seen))}
        />
      </Panel>
      <div class="grid">
        <AnimeActivity animeId={animeId} />
        <Ratings animeId={animeId} />
        <Similar animeId={animeId} />
        <History animeId={animeId} />
      </div>
    </>
  );
};

const AnimeActivity = ({ animeId }: { readonly animeId: number }) => {
  const asked = useQuery<{ animeActivity: readonly ActivityPoint[] | null }>(
    ANIME_ACTIVITY_QUERY,
    { animeId },
    { everyMs: 5000 },
  );
  return (
    <Panel title="Activity of the last 30 days">
      <Loaded asked={asked} absent="This service does not serve the activity per day.">
        {({ animeActivity }) => (
          <ActivityChart label="Activity per day" points={animeActivity ?? []} />
        )}
      </Loaded>
    </Panel>
  );
};

const Ratings = ({ animeId }: { readonly animeId: number }) => {
  const asked = useQuery<{ ratingDistribution: Distribution | null }>(
    DISTRIBUTION_QUERY,
    { animeId },
    { everyMs: 3000 },
  );
  return (
    <Panel title="Ratings">
      <Loaded asked={asked} absent="This service does not serve the distribution of ratings.">
        {({ ratingDistribution: ratings }) =>
          ratings === null || ratings.total === 0 ? (
            <Empty>Nobody rated this title yet.</Empty>
          ) : (
            <Bars
              bars={[...ratings.buckets]
                .reverse()
                .map(({ stars, count }) => ({ name: `${stars} ★`, value: count }))}
            />
          )
        }
      </Loaded>
    </Panel>
  );
};

const Similar = ({ animeId }: { readonly animeId: number }) => {
  const asked = useQuery<{ recommendedAnimes: readonly EntryWithStats[] }>(SIMILAR_QUERY, {
    animeId,
  });
  return (
    <Panel title="Similar titles">
      <Loaded asked={asked} absent="This service does not serve recommendations.">
        {({ recommendedAnimes }) => (
          <Table label="Similar titles" head={['Title', 'Genres', '#Score', '#Views']}>
            {recommendedAnimes.map((each) => (
              <tr key={each.myanimelistId}>
                <th scope="row">
                  <TitleLink id={each.myanimelistId} title={each.title} />
                </th>
                <td class="long">{each.genres ?? '–'}</td>
                <td class="number">{formats.decimal(each.score, 2)}</td>
                <td class="number">{formats.compact(each.totalViews)}</td>
              </tr>
            ))}
          </Table>
        )}
      </Loaded>
    </Panel>
  );
};

const History = ({ animeId }: { readonly animeId: number }) => {
  const name = `anime-${animeId}`;
  const asked = useQuery<{ stream: EventPage | null }>(
    STREAM_QUERY,
    { name, limit: 8 },
    { everyMs: 3000 },
  );
  return (
    <Panel title="Newest events of its stream" aside={<Link to={streamPath(name)}>{name}</Link>}>
      <Loaded
        asked={asked}
        absent="This service does not show its streams: it is off in production unless switched on, and needs a process with an event store."
      >
        {({ stream }) =>
          stream === null ? (
            <Empty>The stream does not exist.</Empty>
          ) : (
            <EventList events={stream.edges.map(({ node }) => node)} />
          )
        }
      </Loaded>
    </Panel>
  );
};
