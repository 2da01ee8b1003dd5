import type { ComponentChildren } from 'preact';
import { animeOf, streamPath, titlePath } from '../data/route.js';
import { shownPlaceOf, type EventNode } from '../data/queries.js';
import { formats, useNow } from './formats.js';
import { Link } from './navigation.js';
import { Table } from './small.js';

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
export const EventDetails = ({ event, others, onCorrelation }: EventDetailsProps) => {
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

/** A string in an object of which nothing is known. */
export const textIn = (object: unknown, name: string): string | undefined => {
  if (typeof object !== 'object' || object === null) return undefined;
  const value = (object as Readonly<Record<string, unknown>>)[name];
  return typeof value === 'string' ? value : undefined;
};
