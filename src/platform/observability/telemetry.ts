import type { Telemetry, TelemetryOptions } from './telemetry-sdk.js';

/** Exports spans and metrics by OTLP. The SDK is loaded here, so that it costs nothing where it is not used. */
export const openTelemetry = async (options: TelemetryOptions): Promise<Telemetry> => {
  const { startSdk } = await import('./telemetry-sdk.js');
  return startSdk(options);
};
