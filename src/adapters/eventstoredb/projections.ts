import { createHash, randomUUID } from 'node:crypto';
import type { ProjectionDetails } from '@eventstore/db-client';
import { status } from '@grpc/grpc-js';
import { within } from '../../platform/async/abort.js';
import { PortError, UnavailableError } from '../../ports/errors.js';
import type { AppendResult, EventStore, ExpectedRevision } from '../../ports/event-store.js';
import { jsonObjectIn, type JsonValue } from '../../ports/json.js';
import type {
  ProjectionCondition,
  ProjectionDefinition,
  Projections,
  ProjectionStatus,
} from '../../ports/projections.js';
import type { EventStoreConnection } from './connection.js';
import { callFailureOf, isUnimplemented, readError } from './errors.js';

interface Deployments {
  /** Whether the definition is the last one recorded under its name. */
  isLast(definition: ProjectionDefinition): Promise<boolean>;
  record(definition: ProjectionDefinition): Promise<void>;
}

type Store = Pick<EventStore, 'read' | 'append'>;

const PROJECTION_DEPLOYED = 'ProjectionDeployed';

/** Must not begin with the prefix of the anime streams, which the bridge forwards. */
const deploymentStream = (name: string): string => `deployed-projection-${name}`;

/**
 * The deployed definitions, one stream per projection. The client cannot read the text of a
 * projection back from the server, so a hash is stored beside it for the next deployment.
 */
export const deploymentsIn = (store: Store): Deployments => ({
  isLast: async (definition) => {
    const last = await lastOf(store, definition.name);
    return last.sha256 === hashOf(definition);
  },
  record: async (definition) => {
    const { revision } = await lastOf(store, definition.name);
    await recordDeployment(store, definition, revision);
  },
});

const recordDeployment = (
  store: Store,
  definition: ProjectionDefinition,
  expected: ExpectedRevision,
): Promise<AppendResult> => {
  const { name, emit } = definition;
  const data = { name, emit, sha256: hashOf(definition) };
  const event = { id: randomUUID(), type: PROJECTION_DEPLOYED, data, metadata: {} };
  return store.append(deploymentStream(name), expected, [event]);
};

const hashOf = ({ query, emit }: ProjectionDefinition): string =>
  createHash('sha256').update(JSON.stringify({ query, emit })).digest('hex');

interface Last {
  readonly revision: ExpectedRevision;
  readonly sha256: unknown;
}

const lastOf = async (store: Store, name: string): Promise<Last> => {
  for await (const event of store.read(deploymentStream(name), {
    direction: 'backwards',
    limit: 1,
  })) {
    // An event written by another client has no hash: the projection is deployed again.
    return { revision: event.revision, sha256: jsonObjectIn(event.data)?.['sha256'] };
  }
  return { revision: 'no_stream', sha256: null };
};

export interface ProjectionsOptions {
  readonly connection: EventStoreConnection;
  readonly deployments: Deployments;
  readonly timeoutMs: number;
  /** Throws after the event store was closed. */
  readonly assertOpen: () => void;
}

/** Emitted streams are never deleted with their projection, so they need not be tracked. */
const TRACK_EMITTED_STREAMS = false;

/** The projections port over the official client's own methods, on the existing connection. */
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
      new UnavailableError('The event store did not respond in time.', {
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
        emitEnabled: emit,
        trackEmittedStreams: TRACK_EMITTED_STREAMS,
        deadline,
      }),
    );

  /** An update alone would keep the states of the previous text. */
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

/** The server returns an empty object if there is no state. */
const stateIn = (state: unknown): JsonValue => {
  if (state === undefined || state === null) return null;
  const isEmpty = typeof state === 'object' && Object.keys(state).length === 0;
  return isEmpty ? null : (state as JsonValue);
};

const statusOf = (details: ProjectionDetails): ProjectionStatus => ({
  name: details.name,
  condition: conditionOf(details.status),
  status: details.status,
  reason: reasonIn(details.stateReason),
  timedOut: conditionOf(details.status) === 'faulted' && TOO_LONG.test(details.stateReason),
  progress: details.progress,
  position: details.position,
});

/**
 * The first line only says that an event failed, and some sixty lines of stack follow; the event
 * and the useful sentence are in between.
 */
const reasonIn = (stateReason: string): string => {
  const lines = stateReason.split(/\r?\n/).map((line) => line.trim());
  const first = lines.find((line) => line !== '') ?? '';
  const label = lines.findIndex((line) => line.startsWith('Message:'));
  if (label === -1) return first;
  const message = lines.slice(label).map((line) => line.replace(/^Message:\s*/, ''));
  const position = lines.find((line) => line.startsWith('Event Position:'));
  const parts = [first, position, message.find((line) => line !== '')];
  return parts.filter((part) => part !== undefined).join(' ');
};

const TOO_LONG = /took too long|timed out|TimeoutException/i;

/** The server appends to the first word: `Faulted (Enabled)`, `Running/Paused`. */
const conditionOf = (status: string): ProjectionCondition => {
  const [word = ''] = /^[A-Za-z]*/.exec(status) ?? [];
  return CONDITION_BY_WORD.get(word) ?? 'changing';
};

const CONDITION_BY_WORD: ReadonlyMap<string, ProjectionCondition> = new Map([
  ['Running', 'running'],
  ['Stopped', 'stopped'],
  ['Completed', 'stopped'],
  ['Aborted', 'stopped'],
  ['Faulted', 'faulted'],
]);

const noEngine = (cause: unknown): PortError =>
  new PortError(
    'NOT_SUPPORTED',
    'This event store has no projection engine: use an EventStoreDB or KurrentDB server that runs projections.',
    false,
    { cause },
  );

/** Servers before 24.2 report a missing projection only in the message. */
const isNotFound = (error: unknown): boolean => {
  const failure = callFailureOf(error instanceof PortError ? error.cause : error);
  return (
    failure?.code === NOT_FOUND || (failure !== undefined && isEngineRefusal(failure, 'NotFound'))
  );
};

/** Every call is safe to repeat, so an unknown outcome is treated as a failure. */
const projectionError = (error: unknown, name: string): unknown => {
  const failure = callFailureOf(error);
  if (failure === undefined || failure.code !== UNKNOWN_STATUS) {
    return readError(error, `the projection ${name}`);
  }
  return new PortError(
    'NOT_SUPPORTED',
    `The projection engine refuses ${name}: ${failure.details}`,
    false,
    { cause: error, context: { projection: name } },
  );
};

const isEngineRefusal = (
  failure: { readonly code: number; readonly details: string },
  word: string,
) => failure.code === UNKNOWN_STATUS && failure.details.includes(`received ${word} instead`);

const UNKNOWN_STATUS: number = status.UNKNOWN;
const NOT_FOUND: number = status.NOT_FOUND;
