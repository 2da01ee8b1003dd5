import { openOtlpReceiver } from '../test/support/otlp-receiver.js';
import { benchArguments } from './support/arguments.js';
import { runCommands, type CommandsResult } from './support/commands-load.js';
import { printHost, printJson, printTable } from './support/report.js';
import { interleaved, median, ratio } from './support/rounds.js';
import { listAnimes, settled, withService, type Service } from './support/service.js';

/** What OpenTelemetry costs a command: a tenth of the traces, and all of them, beside a service without. */

const { quick, rounds, durationMs } = benchArguments();

const tracing = (endpoint: string, share: string) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
  OTEL_TRACES_SAMPLER: 'traceidratio',
  OTEL_TRACES_SAMPLER_ARG: share,
});

const measure = async (services: ReadonlyMap<string, Service>) => {
  const loads = [...services].map(([name, service]) => {
    const settle = () => settled(service);
    const load = { server: service, port: service.commandPort, durationMs, settle };
    return { name, load: { ...load, popularity: 'zipf' } as const };
  });
  for (const service of services.values()) await listAnimes(service);
  // The first round teaches the just-in-time compilers.
  for (const { load } of loads) await runCommands(load, 0);
  return interleaved(
    loads.map(({ name, load }) => ({ name, measure: (round) => runCommands(load, round + 1) })),
    { rounds },
  );
};

printHost();
const receiver = await openOtlpReceiver();
const results = await withService((plain) =>
  withService(
    (sampled) =>
      withService(
        (all) => measure(new Map(Object.entries({ off: plain, '10 %': sampled, '100 %': all }))),
        tracing(receiver.url, '1'),
      ),
    tracing(receiver.url, '0.1'),
  ),
);
receiver.close();

const of = (name: string, value: (result: CommandsResult) => number): readonly number[] =>
  (results.get(name) ?? []).map(value);
const rows = [...results.keys()].map((name) => {
  const to = (value: (result: CommandsResult) => number) =>
    ratio(of(name, value), of('off', value));
  return {
    name,
    perSecond: median(of(name, (result) => result.perSecond)),
    rate: to((result) => result.perSecond).median,
    cpu: to((result) => result.cpuInAll),
    p99: to((result) => result.p99Ms).median,
  };
});
printTable(
  ['traces', 'commands/s', 'x off', 'CPU x off', 'lowest', 'highest', 'p99 x'],
  rows.map((row) => [
    ...[row.name, Math.round(row.perSecond), row.rate],
    ...[row.cpu.median, row.cpu.lowest, row.cpu.highest, row.p99],
  ]),
);
printJson('telemetry', { quick, rounds, rows });
