import type { TelemetrySettings } from '../config/telemetry.js';
import type { Logger } from './logger.js';
import type { Metrics } from './metrics.js';

export interface Telemetry {
  /** Exports what is left, for a bounded time. Never rejects. */
  close(): Promise<void>;
}

export interface TelemetryOptions {
  readonly settings: TelemetrySettings;
  readonly role: string;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** Exports spans and metrics by OTLP. The SDK is loaded here, so that it costs nothing where it is not used. */
export const openTelemetry = async (options: TelemetryOptions): Promise<Telemetry> => {
  const { startSdk } = await import('./telemetry-sdk.js');
  return startSdk(options);
};
