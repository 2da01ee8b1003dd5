import { ConfigError } from '../platform/config.js';

/** Turns the failure to listen on a port into a sentence that names the setting. */
export const portTaken =
  (variable: string, port: number) =>
  (error: unknown): never => {
    const text = error instanceof Error ? error.message : String(error);
    if (!/EADDRINUSE|EACCES|address already in use/i.test(text)) throw error;
    throw new ConfigError(
      `${variable}: port ${port} cannot be used (${text}). Stop what listens there or set another.`,
    );
  };
