import { useState } from 'preact/hooks';
import type { Settings } from '../data/base.js';
import { EVENT_TYPES, type EventPage, LOG_QUERY, STREAM_QUERY } from '../data/queries.js';
import { animeOf, streamPath, titlePath, withParameters } from '../data/route.js';
import { useQuery } from '../data/use-query.js';
import { EventTable, textIn } from '../parts/events.js';
import { Link, navigate, searchTo } from '../parts/navigation.js';
import { Empty, Loaded } from '../parts/panel.js';

const PAGE_SIZE = 25;
const ABSENT =
  'This service does not show its streams: it is off in production unless switched on, and needs a process with an event store.';

interface StreamsProps {
  /** Null: the log of all streams. */
  readonly stream: string | null;
  readonly search: string;
  readonly settings: Settings | undefined;
}

export const Streams = ({ stream, search, settings }: StreamsProps) => {
  const ui = settings?.eventStoreUi ?? null;
  return (
    <>
      <h1>{stream === null ? 'All streams' : stream}</h1>
      <p class="links">
        {stream !== null && <Link to="streams">All streams ($all)</Link>}
        {stream !== null && animeOf(stream) !== null && (
          <Link to={titlePath(animeOf(stream) ?? 0)}>The title</Link>
        )}
        {ui !== null && (
          <a
            href={
              stream === null
                ? ui
                : `${ui.replace(/\/$/, '')}/web/index.html#/streams/${encodeURIComponent(stream)}`
            }
            rel="noreferrer noopener"
          >
            {"In the event store's own pages"}
          </a>
        )}
      </p>
      {stream === null ? <All search={search} /> : <One stream={stream} search={search} />}
    </>
  );
};

const OpenStream = ({ stream }: { readonly stream: string | null }) => {
  const [name, setName] = useState(stream ?? '');
  return (
    <form
      class="filters"
      onSubmit={(event) => {
        event.preventDefault();
        const given = name.trim();
        navigate(given === '' || given === '$all' ? 'streams' : streamPath(given));
      }}
    >
      <label>
        Stream
        <input
          value={name}
          placeholder="anime-1"
          spellcheck={false}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      <button type="submit">Open</button>
    </form>
  );
};

const All = ({ search }: { readonly search: string }) => {
  const given = new URLSearchParams(search);
  const after = given.get('after');
  const type = given.get('type');
  const asked = useQuery<{ log: EventPage | null }>(
    LOG_QUERY,
    { after, limit: PAGE_SIZE, types: type === null ? null : [type] },
    after === null ? { everyMs: 2000 } : {},
  );
  return (
    <>
      <div class="bar">
        <OpenStream stream={null} />
        <TypeFilter type={type} search={search} />
      </div>
      <Loaded asked={asked} absent={ABSENT}>
        {({ log }) => <Events page={log} search={search} />}
      </Loaded>
    </>
  );
};

const One = ({ stream, search }: { readonly stream: string; readonly search: string }) => {
  const given = new URLSearchParams(search);
  const after = given.get('after');
  const from = after === null ? given.get('revision') : null;
  const type = given.get('type');
  const asked = useQuery<{ stream: EventPage | null }>(
    STREAM_QUERY,
    { name: stream, from, after, limit: PAGE_SIZE },
    from === null && after === null ? { everyMs: 2000 } : {},
  );
  return (
    <>
      <div class="bar">
        <OpenStream stream={stream} />
        <TypeFilter type={type} search={search} />
      </div>
      <Loaded asked={asked} absent={ABSENT}>
        {({ stream: page }) =>
          page === null ? (
            <Empty>There is no stream of this name.</Empty>
          ) : (
            <Events page={page} search={search} />
          )
        }
      </Loaded>
    </>
  );
};

const TypeFilter = ({
  type,
  search,
}: {
  readonly type: string | null;
  readonly search: string;
}) => (
  <div class="filters">
    <label>
      Type
      <select
        value={type ?? ''}
        onChange={(event) =>
          searchTo(
            withParameters(search, {
              type: event.currentTarget.value,
              after: null,
              revision: null,
            }),
          )
        }
      >
        <option value="">all types</option>
        {(type === null || EVENT_TYPES.includes(type) ? EVENT_TYPES : [type, ...EVENT_TYPES]).map(
          (each) => (
            <option key={each} value={each}>
              {each}
            </option>
          ),
        )}
      </select>
    </label>
  </div>
);

interface EventsProps {
  readonly page: EventPage | null;
  readonly search: string;
}

const Events = ({ page, search }: EventsProps) => {
  const given = new URLSearchParams(search);
  const correlation = given.get('correlation');
  const type = given.get('type');
  const all = page?.edges ?? [];
  const loaded = all.map(({ node }) => node);
  const shown = loaded
    .filter((event) => type === null || event.type === type)
    .filter(
      ({ metadata }) => correlation === null || textIn(metadata, '$correlationId') === correlation,
    );
  const isOlder = given.has('after') || given.has('revision');
  const older = page?.pageInfo.hasNextPage === true ? page.pageInfo.endCursor : null;
  const newest = withParameters(search, { after: null, revision: null });
  return (
    <>
      {correlation !== null && (
        <p>
          Only the events of this page with the correlation <code>{correlation}</code>.{' '}
          <button
            type="button"
            class="plain"
            onClick={() => searchTo(withParameters(search, { correlation: null }))}
          >
            Show all
          </button>
        </p>
      )}
      {shown.length === 0 ? (
        <Empty>
          {loaded.length === 0 && older === null
            ? 'There are no events here.'
            : 'No event of this page matches; there may be older ones.'}
        </Empty>
      ) : (
        <EventTable events={shown} loaded={loaded} search={search} />
      )}
      <nav class="paging" aria-label="Pages of events">
        {isOlder && (
          <button type="button" onClick={() => searchTo(newest)}>
            Newest
          </button>
        )}
        {older !== null && (
          <button
            type="button"
            onClick={() => searchTo(withParameters(newest, { open: null, after: older }))}
          >
            Older
          </button>
        )}
      </nav>
    </>
  );
};
