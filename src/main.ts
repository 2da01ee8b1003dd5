#!/usr/bin/env node
import { parseInvocation, USAGE, UsageError, type Invocation } from './cli.js';
import { runAuditJob } from './compose/audit-job.js';
import { runDeadLettersJob } from './compose/dead-letters-job.js';
import { runImportJob } from './compose/import-job.js';
import { runProjectionsJob } from './compose/projections-job.js';
import { runRebuildJob } from './compose/rebuild-job.js';
import { runService } from './compose.js';
import { misspeltVariables, processEnvironment } from './platform/config-environment.js';
import { ConfigError, loadConfig, type Config } from './platform/config.js';
import { describeSettings, showConfig } from './platform/config-help.js';
import { createLogger, type Logger } from './platform/logger.js';
import { VERSION } from './platform/version.js';

const DONE = 0;
const FAILED = 1;
const WRONG_USAGE = 2;

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const complain = (text: string): void => void process.stderr.write(`${text}\n`);

/** Names are told before values are checked: a misspelt one may be why another setting is refused. */
const settings = (): Config => {
  const environment = processEnvironment();
  misspeltVariables(environment).forEach(complain);
  return loadConfig(environment);
};

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

/** What is run with the settings; answers whether all of it was done, or was found equal. */
const runConfigured = (
  invocation: Exclude<Invocation, { command: 'help' | 'version' | 'config' }>,
): Promise<boolean> => {
  const config = settings();
  const job = { config, logger: loggerOf(config), print, stop: stopSignal() };
  switch (invocation.command) {
    case 'serve':
      return runService({ ...job, ...invocation });
    case 'import-catalog':
      return runImportJob({ ...job, ...invocation });
    case 'rebuild':
      return runRebuildJob(job, invocation.action);
    case 'audit':
      return runAuditJob({ ...job, version: invocation.version });
    case 'dead-letters':
      return runDeadLettersJob(job, invocation.action);
    case 'projections':
      return runProjectionsJob({ ...job, action: invocation.action });
  }
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
      print(invocation.explain ? describeSettings() : showConfig(settings()));
      return DONE;
    default:
      return (await runConfigured(invocation)) ? DONE : FAILED;
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

/** What did not close in time, or came too late to be closed, would keep the process alive. */
setTimeout(() => process.exit(), 1_000).unref();
