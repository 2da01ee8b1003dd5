#!/usr/bin/env node
import { parseInvocation, USAGE, UsageError, type Invocation } from './cli.js';
import { runImportJob } from './compose/import-job.js';
import { runService } from './compose.js';
import { ConfigError, loadConfig, type Config } from './platform/config.js';
import { describeSettings, showConfig } from './platform/config-help.js';
import { createLogger, type Logger } from './platform/logger.js';
import { VERSION } from './platform/version.js';

const DONE = 0;
const FAILED = 1;
const WRONG_USAGE = 2;

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const complain = (text: string): void => void process.stderr.write(`${text}\n`);

const loggerOf = ({ env, log }: Config): Logger =>
  createLogger({
    level: log.level,
    json: env === 'production',
    ...(log.dir === '' ? {} : { directory: log.dir }),
  });

/** Aborted by the first SIGINT or SIGTERM; the second one ends the process at once. */
const stopSignal = (): AbortSignal => {
  const stop = new AbortController();
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(FAILED);
    stop.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return stop.signal;
};

const run = async (invocation: Invocation): Promise<number> => {
  switch (invocation.command) {
    case 'help':
      print(USAGE);
      return DONE;
    case 'version':
      print(VERSION);
      return DONE;
    case 'config':
      print(invocation.explain ? describeSettings() : showConfig(loadConfig()));
      return DONE;
    case 'serve': {
      const config = loadConfig();
      const logger = loggerOf(config);
      const { role, sampleCatalog } = invocation;
      const stop = stopSignal();
      const clean = await runService({ config, logger, role, sampleCatalog, print, stop });
      // What did not close in time would keep the process alive.
      if (!clean) process.exit(FAILED);
      return DONE;
    }
    case 'import-catalog': {
      const config = loadConfig();
      const logger = loggerOf(config);
      const { file, relist } = invocation;
      const complete = await runImportJob({ config, logger, file, relist, stop: stopSignal() });
      return complete ? DONE : FAILED;
    }
  }
};

/** A bug must not leave a half working process behind: it ends, and the next start goes on. */
const onBug = (error: unknown): void => {
  complain(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exit(FAILED);
};
process.on('uncaughtException', onBug).on('unhandledRejection', onBug);

try {
  process.exitCode = await run(parseInvocation(process.argv.slice(2)));
} catch (error) {
  if (error instanceof UsageError) {
    complain(`${error.message}\n\n${USAGE}`);
    process.exitCode = WRONG_USAGE;
  } else if (error instanceof ConfigError) {
    complain(error.message);
    process.exitCode = WRONG_USAGE;
  } else {
    complain(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exitCode = FAILED;
  }
}
