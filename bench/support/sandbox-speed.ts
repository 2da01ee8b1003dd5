import { createContext, runInContext } from 'node:vm';
import { SANDBOX_PROGRAM } from '../../src/embedded-eventstore/projections/sandbox-program.js';
import type { EventRow } from '../../src/embedded-eventstore/projections/sandbox-runner.js';
import {
  loadSandboxModule,
  openSandbox,
} from '../../src/embedded-eventstore/projections/sandbox.js';

const EVENTS = 500;
const BATCHES = 40;

const rows = Array.from({ length: EVENTS }, (_, n): EventRow => {
  const data = JSON.stringify({ animeId: n, userId: `user-${n}`, schemaVersion: 2 });
  return [`anime-${n % 100}`, n, 'ClickRegistered', true, data, '{}', '', '{}', null];
});

/** Events per second of processor time. */
const perCpuSecond = (run: () => void): number => {
  const rounds = Array.from({ length: 3 }, () => {
    const before = process.cpuUsage();
    for (let batch = 0; batch < BATCHES; batch++) run();
    const { user, system } = process.cpuUsage(before);
    return (BATCHES * EVENTS * 1e6) / (user + system);
  });
  return Math.max(...rounds);
};

type Program = (
  load: () => undefined,
  progress: ArrayBuffer,
  refusal: null,
) => readonly [define: () => string, run: (batch: string) => string];

/** The same program and projection in WebAssembly and in V8. */
export const sandboxSpeed = async (query: string) => {
  const sandbox = openSandbox(await loadSandboxModule(), {
    query,
    emitEnabled: true,
    executionTimeoutMs: 60_000,
    memoryLimitBytes: 64 * 1024 * 1024,
    load: () => undefined,
    onStep: () => undefined,
  });
  const webAssembly = perCpuSecond(() => sandbox.run(rows));
  sandbox.close();

  const context = createContext({});
  const program = runInContext(SANDBOX_PROGRAM, context) as Program;
  const [define, run] = program(() => undefined, new ArrayBuffer(4), null);
  runInContext(query, context);
  define();
  const v8 = perCpuSecond(() => void JSON.parse(run(JSON.stringify(rows))));
  return { webAssembly: Math.round(webAssembly), v8: Math.round(v8) };
};
