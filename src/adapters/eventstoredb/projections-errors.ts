import { status } from '@grpc/grpc-js';
import { PortError } from '../../ports/errors.js';
import { failureOf, readError } from './errors.js';

export const noEngine = (cause: unknown): PortError =>
  new PortError(
    'NOT_SUPPORTED',
    'This event store has no projection engine: it takes an EventStoreDB or KurrentDB server that runs projections.',
    false,
    { cause },
  );

/** Servers before 24.2 have no code for a projection that is not there, only a sentence. */
export const isNotFound = (error: unknown): boolean => {
  const failure = failureOf(error instanceof PortError ? error.cause : error);
  return failure?.code === NOT_FOUND || (failure !== undefined && isRefusal(failure, 'NotFound'));
};

/** Every call may be repeated, so one whose outcome is unknown is as good as one that failed. */
export const projectionError = (error: unknown, name: string): unknown => {
  const failure = failureOf(error);
  if (failure === undefined || failure.code !== UNKNOWN) {
    return readError(error, `the projection ${name}`);
  }
  return new PortError(
    'NOT_SUPPORTED',
    `The projection engine refuses ${name}: ${failure.details}`,
    false,
    { cause: error, context: { projection: name } },
  );
};

const isRefusal = (failure: { readonly code: number; readonly details: string }, word: string) =>
  failure.code === UNKNOWN && failure.details.includes(`received ${word} instead`);

const UNKNOWN: number = status.UNKNOWN;
const NOT_FOUND: number = status.NOT_FOUND;
