/** A real server of the stack, on this machine's loopback or where an environment variable says. */
export interface StackServer {
  /** What the service is configured with: host:port of a broker, or a connection string. */
  readonly address: string;
  /** Whether `kill` and `start` work: a server that somebody else runs is not ours to end. */
  readonly ours: boolean;
  /** Ends it with SIGKILL, as a power failure of that server alone would. Its data stay. */
  kill(): Promise<void>;
  /** Starts it again on the same address and data; resolves when it answers. */
  start(): Promise<void>;
  /** Stops it and removes its data. May be called twice. */
  stop(): Promise<void>;
}

/** Why there is no such server here, for the line that a skipped test prints. */
export class NotHere extends Error {
  override readonly name = 'NotHere';
}

export type ServerName = 'kafka' | 'mongodb' | 'eventstoredb' | 'eventstoredb-server';

const running = new Map<ServerName, Promise<StackServer>>();

/** The server that all tests of this process share; started by the first that asks. */
export const shared = (
  name: ServerName,
  open: () => Promise<StackServer>,
): Promise<StackServer> => {
  const known = running.get(name) ?? open();
  running.set(name, known);
  return known;
};

export const stopShared = async (): Promise<void> => {
  const servers = [...running.values()];
  running.clear();
  await Promise.all(
    servers.map((server) =>
      server.then(
        (started) => started.stop(),
        () => undefined,
      ),
    ),
  );
};

/**
 * The server, or a skipped suite that says why; a failure where REQUIRE_STACK names it
 * (comma separated). For a `before` hook. With `own` nobody shares it, and the caller stops it.
 */
export const orSkip = async (
  context: Mocha.Context,
  name: ServerName,
  open: () => Promise<StackServer>,
  { own = false } = {},
): Promise<StackServer> => {
  try {
    return await (own ? open() : shared(name, open));
  } catch (error) {
    const required = (process.env['REQUIRE_STACK'] ?? '').split(',').includes(name);
    if (required || !(error instanceof NotHere)) throw error;
    process.stdout.write(`      skipped: ${error.message}\n`);
    return context.skip();
  }
};
