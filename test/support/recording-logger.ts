import type { Logger } from '../../src/platform/observability/logger.js';

export interface Line {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Keeps every line as it was given, before anything is left out or written. */
export const recordingLogger = () => {
  const lines: Line[] = [];
  const at =
    (level: Line['level']): Logger['info'] =>
    (message, data = {}) =>
      void lines.push({ level, message, data });
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  };
  return {
    logger,
    lines,
    /** Those that an operator sees, short: `warn The bus is gone`. */
    told: (): string[] =>
      lines
        .filter(({ level }) => level !== 'debug')
        .map(({ level, message }) => `${level} ${message}`),
  };
};
