import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { helpOf, shortUsage, USAGE } from './cli/help.js';
import { parseInvocation, parseStoreJob, UsageError, type Invocation } from './cli/arguments.js';
import { createJobOutput, type ProcessOutput } from './jobs/output.js';
import type { JobOptions } from './jobs/job.js';
import { openJobServer } from './jobs/socket-server.js';
import { runService } from './compose/service.js';
import type { ServiceJobs } from './compose/start-role.js';
import {
  type Config,
  ConfigError,
  loadConfig,
  misspeltVariables,
  processEnvironment,
} from './platform/config/config.js';
import { telemetrySettings } from './platform/config/telemetry.js';
import { messageOf, PortError } from './ports/errors.js';
import { directoryError } from './platform/config/system-errors.js';
import { describeSettings, effectiveSettings, showConfig } from './platform/config/help.js';
import { createLogger, type Logger } from './platform/observability/logger.js';
import { VERSION } from './platform/package.js';

const DONE = 0;
const FAILED = 1;
const WRONG_USAGE = 2;

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const complain = (text: string): void => void process.stderr.write(`${text}\n`);

/** Warns of misspelt names first: they may be why a value is refused. */
const loadSettings = (): Config => {
  const environment = processEnvironment();
  misspeltVariables(environment).forEach(complain);
  return loadConfig(environment);
};

const openLogger = ({ env, log }: Config, onLost: () => void): Logger => {
  const kept = log.dir === '' ? {} : { directory: log.dir };
  try {
    return createLogger({ level: log.level, json: env === 'production', ...kept, onLost });
  } catch (error) {
    throw directoryError('LOG_DIR', log.dir, error);
  }
};

/** Aborted by the first signal, which the reason names; a second one ends the process at once. */
const stopSignal = (): AbortSignal => {
  const stop = new AbortController();
  const onSignal = (name: NodeJS.Signals): void => {
    if (stop.signal.aborted) process.exit(FAILED);
    stop.abort(new DOMException(name, 'AbortError'));
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onSignal);
  return stop.signal;
};

/** The reader has closed the pipe. */
const untilWritten = async (stream: NodeJS.WriteStream): Promise<void> => {
  if (!stream.writableNeedDrain || stream.destroyed) return;
  await once(stream, 'drain').catch(() => undefined);
};

/** On SIGUSR1 Node would open its inspector, through which anybody at the port controls the process. */
const closeInspector = (): void => void process.on('SIGUSR1', () => undefined);

const args = process.argv.slice(2);

/** What a service does for the command line: imports a sample, and runs jobs beside its own work. */
const serviceJobs = (
  { config, logger, print, progress, stop: signal }: JobOptions,
  sample: string | undefined,
): ServiceJobs => ({
  importSample:
    sample === undefined
      ? undefined
      : async ({ store, handler }) => {
          const { importSample } = await import('./jobs/import.js');
          await importSample(store, {
            handler,
            logger,
            file: sample,
            signal,
            output: { print, progress },
          });
        },
  openJobServer: (dependencies, { stores, handler }) =>
    openJobServer({
      config,
      logger,
      parse: parseStoreJob,
      perform: async (job, stop, output) => {
        const { performStoreJob } = await import('./jobs/store-jobs.js');
        return await performStoreJob(job, { ...dependencies, signal: stop }, stores, output);
      },
      openImport: async () => {
        const { listThrough } = await import('./import/catalog-import.js');
        return listThrough(handler, randomUUID());
      },
    }),
});

/**
 * Runs a command that needs the settings; false where it failed in part or found a difference. Jobs are
 * loaded when they are asked for: a service starts faster without them.
 */
const runConfigured = async (
  invocation: Exclude<Invocation, { command: 'help' | 'version' | 'config' }>,
  { print, report, progress, drained }: ProcessOutput,
  stop: AbortSignal,
): Promise<boolean> => {
  const config = loadSettings();
  if (config.env === 'production') closeInspector();
  let lost = 0;
  const logger = openLogger(config, () => (lost += 1));
  const job = { config, logger, print, report, progress, drained, stop };
  switch (invocation.command) {
    case 'serve':
      return await runService({
        ...job,
        role: invocation.role,
        telemetry: telemetrySettings(processEnvironment()),
        jobs: serviceJobs(job, invocation.sampleCatalog),
        lostLogLines: () => lost,
      });
    case 'import-catalog':
      return await (await import('./jobs/import.js')).runImportJob({ ...job, ...invocation });
    case 'import-events': {
      const { runImportEventsJob } = await import('./jobs/log-copy/import-events.js');
      return await runImportEventsJob(job, invocation.file);
    }
    case 'export':
      return await (await import('./jobs/export.js')).runExportJob(job, invocation, process.stdout);
    case 'restore':
      return await (await import('./jobs/restore.js')).runRestoreJob(job, invocation.source);
    case 'copy-log':
      return await (await import('./jobs/log-copy/copy-log.js')).runCopyLogJob(job, invocation);
    case 'projections': {
      const { runProjectionsJob } = await import('./jobs/projections.js');
      return await runProjectionsJob({ ...job, action: invocation.action });
    }
    default:
      return await (await import('./jobs/store-jobs.js')).runStoreJob(job, invocation, args);
  }
};

const runCommand = async (invocation: Invocation): Promise<number> => {
  switch (invocation.command) {
    case 'help':
      print(invocation.about === undefined ? USAGE : helpOf(invocation.about));
      return DONE;
    case 'version':
      print(VERSION);
      return DONE;
    case 'config':
      if (!invocation.explain) return await runToEnd(invocation);
      print(`${helpOf(invocation.command)}\n\n${describeSettings()}`);
      return DONE;
    default:
      return await runToEnd(invocation);
  }
};

const runToEnd = async (
  invocation: Exclude<Invocation, { command: 'help' | 'version' }>,
): Promise<number> => {
  const { command, json } = invocation;
  const { stdout, stderr } = process;
  const drained = () => untilWritten(stdout);
  const output = createJobOutput({ command, json, stdout, stderr, drained });
  const stop = stopSignal();
  try {
    const ok = await (invocation.command === 'config'
      ? printSettings(output)
      : runConfigured(invocation, output, stop));
    output.finish({ ok });
    return ok ? DONE : FAILED;
  } catch (error) {
    const stopped = stop.aborted && error instanceof Error && error.name === 'AbortError';
    const message = stopped ? 'Stopped.' : messageOf(error);
    output.finish({ ok: false, error: message });
    if (!stopped) throw error;
    complain(message);
    return FAILED;
  }
};

const printSettings = ({ print: printText, report }: ProcessOutput): Promise<boolean> => {
  const config = loadSettings();
  const shown = effectiveSettings(config);
  report({ settings: shown });
  if (!args.includes('--json')) printText(showConfig(config));
  return Promise.resolve(true);
};

/** What goes wrong behind a port is told in a sentence and needs no stack trace; anything else is a bug. */
const isSentence = (error: unknown): error is PortError => error instanceof PortError;

/** After a bug the process must not go on half working: it ends, and the next start resumes. */
const onBug = (error: unknown): void => {
  complain(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exit(FAILED);
};
/** A closed pipe or a full disk must not end the service. */
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);
process.on('uncaughtException', onBug).on('unhandledRejection', onBug);

try {
  process.exitCode = await runCommand(parseInvocation(args));
} catch (error) {
  if (error instanceof UsageError) {
    complain(`${shortUsage(error.about)}\n${error.message}`);
    process.exitCode = WRONG_USAGE;
  } else if (error instanceof ConfigError) {
    complain(error.message);
    process.exitCode = WRONG_USAGE;
  } else if (isSentence(error)) {
    complain(error.message);
    process.exitCode = FAILED;
  } else {
    complain(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exitCode = FAILED;
  }
}

/** A part that did not close in time must not keep the process alive. */
setTimeout(() => process.exit(), 1_000).unref();
