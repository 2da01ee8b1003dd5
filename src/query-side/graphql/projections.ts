import { PortError } from '../../ports/errors.js';
import type { JsonValue } from '../../ports/json.js';
import type { Projections, ProjectionStatus } from '../../ports/projections.js';
import type { QueryContext } from './context.js';
import {
  badUserInput,
  eventsNotAvailable,
  eventStoreUnavailable,
  unauthenticated,
} from './errors.js';
import { type EventsAccess, requireEvents } from './event-queries.js';
import { isShownJson } from './recorded-events.js';

/** The types of the queries `projections` and `projectionState`. */
export const projectionTypes = /* GraphQL */ `
  "A projection of the event store."
  type Projection {
    "The name. Those that begin with $ belong to the event store itself."
    name: String!
    "running, stopped, faulted, or changing from one to another."
    condition: String!
    "The condition in the event store's own words."
    status: String!
    "Why it is faulted; null where the event store says nothing."
    reason: String
    "How much of its source it has read, from 0 to 1."
    progress: Float!
    "The place in its source, as the event store writes it; null at the beginning."
    position: String
  }
`;

type ProjectionReads = Pick<Projections, 'list' | 'stateOf'>;

export interface ProjectionQueries {
  /** Null where this process can ask no projection engine. */
  readonly projections: ProjectionReads | null;
  /** A state may hold what the events hold, so it is shown where they are. */
  readonly events: EventsAccess;
}

interface OfState {
  readonly name: string;
  readonly partition: string | null;
}

export const createProjectionResolvers = ({ projections, events }: ProjectionQueries) => ({
  projections: async (_: unknown, _args: unknown, { isReader }: QueryContext) => {
    if (!isReader) throw unauthenticated();
    if (projections === null) return null;
    const all = await withEngine(() => projections.list());
    return all?.map(toProjection) ?? null;
  },

  projectionState: async (_: unknown, args: OfState, context: QueryContext): Promise<JsonValue> => {
    requireEvents(events, context);
    const { name, partition } = args;
    for (const [argument, text] of Object.entries({ name, partition: partition ?? '' })) {
      if (text.length > MAX_NAME_CHARACTERS || !text.isWellFormed()) {
        throw badUserInput(argument, `${argument} has at most ${MAX_NAME_CHARACTERS} characters.`);
      }
    }
    if (projections === null) return null;
    const state = await withEngine(() => projections.stateOf(name, partition ?? ''));
    return isShownJson(state) ? state : null;
  },
});

const MAX_NAME_CHARACTERS = 1000;

/** Null where the event store has no engine. A bug passes as it is. */
const withEngine = async <T>(ask: () => Promise<T>): Promise<T | null> => {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof PortError)) throw error;
    switch (error.code) {
      case 'NOT_SUPPORTED':
        return null;
      case 'ACCESS_DENIED':
        throw eventsNotAvailable(error.message);
      default:
        throw error.code === 'UNAVAILABLE' ? eventStoreUnavailable() : error;
    }
  }
};

const toProjection = ({
  name,
  condition,
  status,
  reason,
  progress,
  position,
}: ProjectionStatus) => ({
  name,
  condition,
  status,
  reason: reason === '' ? null : reason,
  progress: Math.min(1, Math.max(0, progress / 100)),
  position: position === '' ? null : position,
});
