import { within } from '../../platform/within.js';
import { UnavailableError } from '../../ports/errors.js';
import type { JsonValue } from '../../ports/json.js';
import type {
  ProjectionDefinition,
  ProjectionStatus,
  Projections,
} from '../../ports/projections.js';
import type { Connection } from './connection.js';
import { isUnimplemented } from './errors.js';
import type { Deployments } from './projections-deployed.js';
import { isNotFound, noEngine, projectionError } from './projections-errors.js';
import { statusOf } from './projections-status.js';

export interface ProjectionsOptions {
  readonly connection: Connection;
  readonly deployments: Deployments;
  readonly timeoutMs: number;
  /** Throws once the event store was closed. */
  readonly assertOpen: () => void;
}

/** What the emitting projections write is never deleted with them, so nobody keeps a list of it. */
const TRACK_EMITTED_STREAMS = false;

/** The projections port over the official client's own methods, on the connection that is there. */
export const createProjections = ({
  connection,
  deployments,
  timeoutMs,
  assertOpen,
}: ProjectionsOptions): Projections => {
  const deadline = timeoutMs;

  const answered = async <T>(name: string, call: () => Promise<T>): Promise<T> => {
    assertOpen();
    const late = () =>
      new UnavailableError('The event store did not answer in time.', {
        context: { projection: name, timeoutMs },
      });
    try {
      return await within(timeoutMs, call(), late);
    } catch (error) {
      throw isUnimplemented(error) ? noEngine(error) : projectionError(error, name);
    }
  };

  const list = async (): Promise<readonly ProjectionStatus[]> => {
    const details = await answered('all', () => connection.listProjections({ deadline }));
    return details.map(statusOf);
  };

  const create = ({ name, query, emit }: ProjectionDefinition): Promise<void> =>
    answered(name, () =>
      connection.createProjection(name, query, {
        ...{ emitEnabled: emit, trackEmittedStreams: TRACK_EMITTED_STREAMS, deadline },
      }),
    );

  /** An update alone would go on with the states that the text before it made. */
  const replace = async ({ name, query, emit }: ProjectionDefinition): Promise<void> => {
    const options = { emitEnabled: emit, deadline };
    await answered(name, () => connection.updateProjection(name, query, options));
    await answered(name, () => connection.resetProjection(name, { deadline }));
  };

  const enable = (name: string): Promise<void> =>
    answered(name, () => connection.enableProjection(name, { deadline }));

  return {
    list,
    deploy: async (definition) => {
      const there = (await list()).find(({ name }) => name === definition.name);
      if (there === undefined) {
        await create(definition);
        await deployments.record(definition);
        return 'created';
      }
      const replaced = !(await deployments.isLast(definition));
      if (replaced) {
        await replace(definition);
        await deployments.record(definition);
      }
      const { condition } = there;
      if (replaced || condition !== 'running') await enable(definition.name);
      if (replaced) return 'updated';
      return condition === 'stopped' || condition === 'faulted' ? 'restarted' : 'unchanged';
    },
    enable,
    stateOf: async (name, partition) => {
      try {
        const asked = { partition, deadline };
        return stateIn(await answered(name, () => connection.getProjectionState(name, asked)));
      } catch (error) {
        if (isNotFound(error)) return null;
        throw error;
      }
    },
  };
};

/** The server answers an empty object where it has no state. */
const stateIn = (state: unknown): JsonValue => {
  if (state === undefined || state === null) return null;
  const isEmpty = typeof state === 'object' && Object.keys(state).length === 0;
  return isEmpty ? null : (state as JsonValue);
};
