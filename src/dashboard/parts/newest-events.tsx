import { useRef, useState } from 'preact/hooks';
import { useLive } from '../data/live.js';
import {
  EVENT_TYPES,
  type EventPage,
  LIVE_EVENTS,
  shownPlaceOf,
  type EventNode,
  TICKER_QUERY,
} from '../data/queries.js';
import { useQuery } from '../data/use-query.js';
import { EventList } from './events.js';
import { Link } from './navigation.js';
import { Empty, Loaded, Panel } from './panel.js';
import { LiveMark } from './small.js';

const SHOWN_EVENTS = 12;
/** How often the list is drawn, whatever arrives. */
const DRAW_MS = 250;

/** The end of the log, ticking by. */
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
