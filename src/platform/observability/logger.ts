import { createLogger as createWinston, format, transports, type Logger as Winston } from 'winston';
import { dailyFiles, standardError } from './log-sinks.js';

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
  /** Told of each line that could not be written. */
  readonly onLost?: () => void;
}

/** Throws where the directory is of no use; a full disk is no reason. */
export const createLogger = (options: LoggerOptions): Logger => {
  const { level, json, directory, onLost = () => undefined } = options;
  const stream = directory === undefined ? standardError(onLost) : dailyFiles(directory, onLost);
  const winston = createWinston({
    level,
    format: format.combine(format.timestamp(), json ? format.json() : readable),
  });
  winston.add(new transports.Stream({ stream, eol: '\n' }));
  return wrap(winston);
};

/** For tests and benchmarks. */
export const silentLogger = (): Logger => wrap(createWinston({ silent: true }));

const wrap = (winston: Winston): Logger => ({
  // Asked first, because winston formats a line before it finds that nobody wants it.
  debug: winston.isLevelEnabled('debug')
    ? (message, data) => void winston.debug(message, redact(data))
    : () => undefined,
  info: (message, data) => void winston.info(message, redact(data)),
  warn: (message, data) => void winston.warn(message, redact(data)),
  error: (message, data) => void winston.error(message, redact(data)),
  child: (data) => wrap(winston.child(redact(data))),
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
