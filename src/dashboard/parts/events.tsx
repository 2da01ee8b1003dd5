import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { useLive } from '../data/live.js';
import {
  EVENT_TYPES,
  type EventNode,
  type EventPage,
  LIVE_EVENTS,
  shownPlaceOf,
  TICKER_QUERY,
} from '../data/queries.js';
import { animeOf, streamPath, titlePath, withParameters } from '../data/route.js';
import { useQuery } from '../data/use-query.js';
import { formats, useNow } from './formats.js';
import { Link, searchTo } from './navigation.js';
import { Empty, Loaded, Panel } from './panel.js';
import { LiveMark, Table } from './small.js';

/** A short list of events; each leads to itself in its stream. */
export const EventList = ({ events }: { readonly events: readonly EventNode[] }) => {
  const now = useNow();
  return (
    <Table label="Newest events" head={['When', 'Type', 'Stream', '#Revision']}>
      {events.map((event) => (
        <tr key={shownPlaceOf(event)}>
          <td title={formats.dateTime(event.time)}>{formats.ago(event.time, now)}</td>
          <td>
            <Link to={streamPath(event.stream, event.revision)}>{event.type}</Link>
          </td>
          <td class="stream">{event.stream}</td>
          <td class="number">{event.revision}</td>
        </tr>
      ))}
    </Table>
  );
};

interface EventDetailsProps {
  readonly event: EventNode;
  /** Events on the same page, to find what caused this one. */
  readonly others: readonly EventNode[];
  readonly onCorrelation: (correlationId: string) => void;
}

/** All of an event: its data and metadata, and what it is connected with. */
const EventDetails = ({ event, others, onCorrelation }: EventDetailsProps) => {
  const correlation = textIn(event.metadata, '$correlationId');
  const causation = textIn(event.metadata, '$causationId');
  const cause = others.find(({ eventId }) => eventId === causation);
  const animeId = event.animeId ?? animeOf(event.stream);
  return (
    <div class="event">
      <dl class="facts">
        <Fact name="Id">{event.eventId}</Fact>
        <Fact name="Stored">{formats.dateTime(event.time)}</Fact>
        <Fact name="Position">{event.position}</Fact>
        <Fact name="Stream">
          <Link to={streamPath(event.stream)}>{event.stream}</Link>
        </Fact>
        {animeId !== null && (
          <Fact name="Title">
            <Link to={titlePath(animeId)}>Anime {animeId}</Link>
          </Fact>
        )}
        {correlation !== undefined && (
          <Fact name="Correlation">
            <button type="button" class="plain" onClick={() => onCorrelation(correlation)}>
              {correlation}
            </button>
          </Fact>
        )}
        {causation !== undefined && (
          <Fact name="Caused by">
            {cause === undefined ? (
              `request ${causation}`
            ) : (
              <Link to={streamPath(cause.stream, cause.revision)}>
                {cause.type} at revision {cause.revision} of {cause.stream}
              </Link>
            )}
          </Fact>
        )}
      </dl>
      <Json name="Data" value={event.data ?? event.dataText} />
      <Json name="Metadata" value={event.metadata} />
    </div>
  );
};

const Fact = ({
  name,
  children,
}: {
  readonly name: string;
  readonly children: ComponentChildren;
}) => (
  <div>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
);

const Json = ({ name, value }: { readonly name: string; readonly value: unknown }) => (
  <div>
    <p>{name}</p>
    <pre tabIndex={0} aria-label={name}>
      {typeof value === 'string' ? value : JSON.stringify(value, null, 2)}
    </pre>
  </div>
);

/** A string in an object of unknown shape. */
export const textIn = (object: unknown, name: string): string | undefined => {
  if (typeof object !== 'object' || object === null) return undefined;
  const value = (object as Readonly<Record<string, unknown>>)[name];
  return typeof value === 'string' ? value : undefined;
};

const SHOWN_EVENTS = 12;
/** How often the list is drawn, whatever arrives. */
const DRAW_MS = 250;

/** The newest events, live. */
export const NewestEvents = () => {
  const [fresh, setFresh] = useState<readonly EventNode[]>([]);
  const waiting = useRef<EventNode[]>([]);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const live = useLive(LIVE_EVENTS, { types: EVENT_TYPES }, ({ events }) => {
    waiting.current = [...events.slice(-SHOWN_EVENTS).reverse(), ...waiting.current].slice(
      0,
      SHOWN_EVENTS,
    );
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      const arrived = waiting.current;
      waiting.current = [];
      setFresh((before) => [...arrived, ...before].slice(0, SHOWN_EVENTS));
    }, DRAW_MS);
  });
  const asked = useQuery<{ log: EventPage | null }>(
    TICKER_QUERY,
    { types: EVENT_TYPES },
    {
      everyMs: live === 'open' ? 10_000 : 2000,
    },
  );
  return (
    <Panel
      title="Newest events"
      aside={
        <span>
          <LiveMark state={live} /> <Link to="streams">All events</Link>
        </span>
      }
    >
      <Loaded
        asked={asked}
        absent="This service does not show its log: it is off in production unless switched on, and needs a process with an event store."
      >
        {({ log }) => {
          const events = newestOf(fresh, log?.edges.map(({ node }) => node) ?? []);
          return events.length === 0 ? (
            <Empty>
              {log?.pageInfo.hasNextPage === true
                ? 'Nothing happened lately.'
                : 'No event is stored yet.'}
            </Empty>
          ) : (
            <EventList events={events} />
          );
        }}
      </Loaded>
    </Panel>
  );
};

/** What was pushed and what was asked for, each event once, newest first. */
const newestOf = (
  pushed: readonly EventNode[],
  asked: readonly EventNode[],
): readonly EventNode[] => {
  const byId = new Map([...pushed, ...asked].map((event) => [shownPlaceOf(event), event]));
  return [...byId.values()]
    .sort(
      (a, b) =>
        Number(BigInt(b.position) - BigInt(a.position)) ||
        Number(BigInt(b.revision) - BigInt(a.revision)),
    )
    .slice(0, SHOWN_EVENTS);
};

interface EventTableProps {
  readonly events: readonly EventNode[];
  readonly loaded: readonly EventNode[];
  readonly search: string;
}

/** The event that is open stands in the address: by its id, or as the revision that was linked. */
export const EventTable = ({ events, loaded, search }: EventTableProps) => {
  const now = useNow();
  const given = new URLSearchParams(search);
  const isOpen = (event: EventNode): boolean =>
    given.has('open')
      ? given.get('open') === shownPlaceOf(event)
      : given.get('revision') === event.revision;
  return (
    <div class="panel scroll" tabIndex={0} role="group" aria-label="Events">
      <table class="events">
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Type</th>
            <th scope="col">Stream</th>
            <th scope="col" class="number">
              Revision
            </th>
            <th scope="col" class="number">
              Position
            </th>
          </tr>
        </thead>
        {events.map((event) => (
          <tbody key={shownPlaceOf(event)}>
            <tr class={isOpen(event) ? 'open' : undefined}>
              <td title={formats.dateTime(event.time)}>{formats.ago(event.time, now)}</td>
              <td>
                <button
                  type="button"
                  class="plain"
                  aria-expanded={isOpen(event)}
                  onClick={() =>
                    searchTo(
                      withParameters(search, {
                        open: isOpen(event) ? 'none' : shownPlaceOf(event),
                      }),
                      {
                        replace: true,
                      },
                    )
                  }
                >
                  {event.type}
                </button>
              </td>
              <td>
                <Link to={streamPath(event.stream)}>{event.stream}</Link>
              </td>
              <td class="number">{event.revision}</td>
              <td class="number">{event.position}</td>
            </tr>
            {isOpen(event) && (
              <tr>
                <td colSpan={5}>
                  <EventDetails
                    event={event}
                    others={loaded}
                    onCorrelation={(id) => searchTo(withParameters(search, { correlation: id }))}
                  />
                </td>
              </tr>
            )}
          </tbody>
        ))}
      </table>
    </div>
  );
};
