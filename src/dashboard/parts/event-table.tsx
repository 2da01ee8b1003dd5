import { shownPlaceOf, type EventNode } from '../data/queries.js';
import { streamPath, withParameters } from '../data/route.js';
import { EventDetails } from './events.js';
import { formats, useNow } from './formats.js';
import { Link, searchTo } from './navigation.js';

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
