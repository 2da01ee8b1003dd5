import { context, trace } from '@opentelemetry/api';
import {
  createWriteStream,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  type WriteStream,
} from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { createLogger as createWinston, format, type Logger as Winston, transports } from 'winston';

/** Called for each line that could not be written. */
type OnLost = () => void;

const KEPT_DAYS = 14;
/** How often to check whether the file failed or was removed. */
const FILE_CHECK_EVERY_MS = 1000;
/** At most this much waits for a disk or a reader that hangs. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

/** Logging never blocks or fails its caller. */
const sink = (write: (line: string) => void): Writable =>
  new Writable({
    decodeStrings: false,
    write: (line: string, _encoding, done) => {
      write(line);
      done();
    },
  });

const writeTo = (stream: NodeJS.WritableStream & { writableLength: number }, onLost: OnLost) => {
  const onWritten = (error?: Error | null): void => {
    if (error) onLost();
  };
  return (line: string): void => {
    if (stream.writableLength > MAX_WAITING_BYTES) onLost();
    else stream.write(line, onWritten);
  };
};

/** Standard output is for the output of commands. */
const standardError = (onLost: OnLost): Writable => sink(writeTo(process.stderr, onLost));

interface LogFile {
  readonly path: string;
  readonly inode: number;
  readonly stream: WriteStream;
}

/**
 * One file a day (UTC), kept for 14 days. Rotation libraries end the process on a full disk, or go on
 * writing to a removed file; this one reopens it. Throws where the directory is unusable, but not for a
 * full disk, which may recover.
 */
export const dailyFiles = (directory: string, onLost: OnLost, now = Date.now): Writable => {
  let file: LogFile | undefined;
  let lookedAt = -Infinity;

  const open = (path: string): LogFile => {
    mkdirSync(directory, { recursive: true });
    const fd = openSync(path, 'a+');
    const stream = createWriteStream(path, { fd });
    if (endsWithinLine(fd)) stream.write('\n');
    const opened = { path, inode: fstatSync(fd).ino, stream };
    stream.on('error', () => {
      if (file === opened) file = undefined;
    });
    // A failure to remove old files must not stop the log.
    resultOrError(() => removeOld(directory));
    return opened;
  };

  /** The file of the day; undefined while there is none. */
  const current = (): LogFile | undefined => {
    const path = join(
      directory,
      `anime-analytics-${new Date(now()).toISOString().slice(0, 10)}.log`,
    );
    if (file?.path === path && now() - lookedAt < FILE_CHECK_EVERY_MS) return file;
    if (file === undefined && now() - lookedAt < FILE_CHECK_EVERY_MS) return undefined;
    lookedAt = now();
    if (file !== undefined && file.path === path && isSameFile(file)) return file;
    file?.stream.end();
    file = undefined;
    file = open(path);
    return file;
  };

  const first = resultOrError(current);
  if (first instanceof Error && !isFull(first)) throw first;
  return sink((line) => {
    const found = resultOrError(current);
    if (found === undefined || found instanceof Error) onLost();
    else writeTo(found.stream, onLost)(line);
  });
};

const resultOrError = <T>(work: () => T): T | Error => {
  try {
    return work();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
};

/** The disk is full, or a quota is used up. */
const isFull = (error: Error): boolean =>
  'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');

const isSameFile = ({ path, inode }: LogFile): boolean =>
  statSync(path, { throwIfNoEntry: false })?.ino === inode;

/** A full disk or a crash may have cut off the last line. */
const endsWithinLine = (fd: number): boolean => {
  const { size } = fstatSync(fd);
  const last = Buffer.alloc(1);
  return size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last.toString() !== '\n';
};

const removeOld = (directory: string): void => {
  const names = readdirSync(directory).filter((name) =>
    /^anime-analytics-\d{4}-\d\d-\d\d\.log$/.test(name),
  );
  for (const name of names.sort().slice(0, -KEPT_DAYS)) {
    rmSync(join(directory, name), { force: true });
  }
};

/** A constant message and a data object; the message never contains a value. */
type Log = (message: string, data?: Readonly<Record<string, unknown>>) => void;

export interface Logger {
  readonly debug: Log;
  readonly info: Log;
  readonly warn: Log;
  readonly error: Log;
  /** The same log with these data in every line. */
  child(data: Readonly<Record<string, unknown>>): Logger;
}

export interface LoggerOptions {
  readonly level: string;
  /** JSON lines for machines, or one readable line. */
  readonly json: boolean;
  /** A directory for daily files, kept for 14 days; absent: standard error. */
  readonly directory?: string;
  /** Called for each line that could not be written. */
  readonly onLost?: () => void;
}

/** Throws where the directory is unusable, but not for a full disk. */
export const createLogger = (options: LoggerOptions): Logger => {
  const { level, json, directory, onLost = () => undefined } = options;
  const stream = directory === undefined ? standardError(onLost) : dailyFiles(directory, onLost);
  const winston = createWinston({
    level,
    format: format.combine(format.timestamp(), traceIds(), json ? format.json() : readable),
  });
  winston.add(new transports.Stream({ stream, eol: '\n' }));
  return wrap(winston);
};

/** For tests and benchmarks. */
export const silentLogger = (): Logger => wrap(createWinston({ silent: true }));

const wrap = (winston: Winston): Logger => ({
  // Checked first, because winston formats a line before it drops it.
  debug: winston.isLevelEnabled('debug')
    ? (message, data) => void winston.debug(message, redact(data))
    : () => undefined,
  info: (message, data) => void winston.info(message, redact(data)),
  warn: (message, data) => void winston.warn(message, redact(data)),
  error: (message, data) => void winston.error(message, redact(data)),
  child: (data) => wrap(winston.child(redact(data))),
});

/** Names the active span, if there is one: without a tracing SDK there is none. */
const traceIds = format((line) => {
  const span = trace.getSpanContext(context.active());
  return span === undefined
    ? line
    : Object.assign(line, { trace_id: span.traceId, span_id: span.spanId });
});

const readable = format.printf(({ timestamp, level, message, ...data }) => {
  const details = Object.keys(data).length === 0 ? '' : ` ${JSON.stringify(data)}`;
  return `${String(timestamp)} ${level.padEnd(5)} ${String(message)}${details}`;
});

const SECRET_KEY = /password|secret|token|authorization|api-?key|credential/i;
/** Up to the last @, since a password may hold one by mistake. */
const URL_CREDENTIALS = /\/\/\S+@/g;

/** Errors become plain data, secrets become stars, bigints become text. */
const redact = (data: Readonly<Record<string, unknown>> = {}): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, SECRET_KEY.test(key) ? '***' : plain(value)]),
  );

const plain = (value: unknown): unknown => {
  if (typeof value === 'string') return value.replace(URL_CREDENTIALS, '//***@');
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Error) {
    const { name, message, stack, cause } = value;
    const code = 'code' in value ? plain(value.code) : undefined;
    return {
      name,
      message: plain(message),
      ...(code === undefined ? {} : { code }),
      ...(cause === undefined ? {} : { cause: plain(cause) }),
      stack: plain(stack),
    };
  }
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null) return redact(value as Record<string, unknown>);
  return value;
};
