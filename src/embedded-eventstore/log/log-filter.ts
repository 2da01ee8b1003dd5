import type { LogFilter, LogRecord } from './event-log.js';

export const matching = ({ on, prefixes, regex }: LogFilter): ((event: LogRecord) => boolean) => {
  const matches = (text: string): boolean =>
    regex === undefined
      ? (prefixes ?? []).some((prefix) => text.startsWith(prefix))
      : regex.test(text);
  return on === 'stream' ? (event) => matches(event.stream) : (event) => matches(event.type);
};
