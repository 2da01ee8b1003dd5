import { ConfigError } from '../platform/config/config.js';

/** Turns the failure to listen on a port into a sentence that names the setting. */
export const portTaken =
  (variable: string, port: number) =>
  (error: unknown): never => {
    const failure = rootOf(error);
    const remedy = failure === undefined ? undefined : REMEDIES[failure.code ?? ''];
    if (failure === undefined || remedy === undefined) throw error;
    throw new ConfigError(remedy({ variable, port, host: hostOf(failure) }));
  };

type Failure = NodeJS.ErrnoException & { readonly hostname?: string; readonly address?: string };

interface Place {
  readonly variable: string;
  readonly port: number;
  readonly host: string;
}

/** The event store's port wraps what the system said. */
const rootOf = (error: unknown): Failure | undefined => {
  if (!(error instanceof Error)) return undefined;
  return error.cause === undefined ? error : rootOf(error.cause);
};

const hostOf = ({ hostname, address }: Failure): string => hostname ?? address ?? 'the host';

const inUse = ({ variable, port }: Place): string => {
  const taken = `${variable}: port ${port} is in use by another process.`;
  return variable === 'EVENTSTORE_PORT'
    ? `${taken} If that is your EventStoreDB, set EVENTSTORE_URL to work with it; else set another port, or 0 for none.`
    : `${taken} Stop that process or set another port.`;
};

const noSuchHost = ({ host }: Place): string =>
  `HOST: ${host} is no address of this machine. Set 127.0.0.1, or 0.0.0.0 for all of its addresses.`;

const REMEDIES: Readonly<Record<string, (place: Place) => string>> = {
  EADDRINUSE: inUse,
  EACCES: ({ variable, port }) =>
    `${variable}: this user may not listen on port ${port}. Set a port above 1023.`,
  EADDRNOTAVAIL: noSuchHost,
  ENOTFOUND: noSuchHost,
  EAI_AGAIN: noSuchHost,
  EINVAL: noSuchHost,
};
