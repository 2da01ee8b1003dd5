import { expect } from 'chai';
import type { ProjectedLog } from '../../src/embedded-eventstore/log/projection-store.js';
import { openEventLog } from '../../src/embedded-eventstore/log/open-event-log.js';
import type {
  ProjectionEngine,
  ProjectionStatistics,
  ProjectionText,
} from '../../src/embedded-eventstore/projections/engine.js';
import {
  openProjectionEngine,
  type ProjectionEngineOptions,
} from '../../src/embedded-eventstore/projections/open.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { rawEvent } from './event-log.js';
import { eventually } from './eventually.js';
import { temporaryDirectory } from './temporary-directory.js';

type EngineSettings = Partial<Omit<ProjectionEngineOptions, 'log' | 'logger'>>;

/** A busy machine must not fault a projection that does nothing wrong. */
const PATIENT: EngineSettings = { executionTimeoutMs: 20_000 };

/** How long a projection may take to read everything on a busy machine. */
const WITHIN_MS = 50_000;

const isCaughtUp = ({
  status,
  progress,
  readsInProgress,
  writesInProgress,
}: ProjectionStatistics) =>
  /^(Stopped|Faulted|Aborted|Completed)/.test(status) ||
  (status === 'Running' && progress === 100 && readsInProgress + writesInProgress === 0);

/** A log with the engine of its projections, and what tests ask of them. */
export const temporaryProjections = async (settings: EngineSettings = PATIENT) => {
  const directory = await temporaryDirectory();
  let log: ProjectedLog;
  let engine: ProjectionEngine;

  const open = async (): Promise<void> => {
    log = await openEventLog({ directory: directory.path, logger: silentLogger() });
    engine = await openProjectionEngine({ log, logger: silentLogger(), ...settings });
  };
  const close = async (): Promise<void> => {
    await engine.close();
    await log.close();
  };
  await open();

  const statisticsOf = (name: string): ProjectionStatistics | undefined =>
    engine.statistics().find((one) => one.name === name);

  const parsed = (text: string | undefined): unknown =>
    text === undefined ? undefined : (JSON.parse(text) as unknown);

  return {
    directory: directory.path,
    log: () => log,
    engine: () => engine,
    restart: async (): Promise<void> => {
      await close();
      await open();
    },
    remove: async (): Promise<void> => {
      await close();
      await directory.remove();
    },
    create: (name: string, query: string, text: Partial<ProjectionText> = {}): Promise<void> =>
      engine.create({
        name,
        query,
        mode: 'continuous',
        emitEnabled: true,
        trackEmittedStreams: false,
        ...text,
      }),
    append: async (stream: string, ...events: (readonly [string, unknown])[]): Promise<void> => {
      const all = events.map(([type, data]) =>
        rawEvent({ type, data: Buffer.from(JSON.stringify(data)) }),
      );
      await log.append(stream, 'any', all);
    },
    caughtUp: (): Promise<void> =>
      eventually(
        () => {
          for (const one of engine.statistics()) {
            expect(isCaughtUp(one), JSON.stringify(one)).to.equal(true);
          }
        },
        { withinMs: WITHIN_MS },
      ),
    state: async (name: string, partition = ''): Promise<unknown> =>
      parsed(await engine.state(name, partition)),
    result: async (name: string, partition = ''): Promise<unknown> =>
      parsed(await engine.result(name, partition)),
    status: (name: string): string | undefined => statisticsOf(name)?.status,
    reason: (name: string): string => (statisticsOf(name)?.stateReason ?? '').replace(/\s+/g, ' '),
    statistics: statisticsOf,
    /** The data of a stream's visible events. */
    stream: (name: string): string[] => {
      const page = log.readStream(name, 'start', 'forwards', 1000);
      if (page.kind !== 'events') return [];
      return page.events.map(({ data }) => Buffer.from(data).toString('utf8'));
    },
  };
};

export type TemporaryProjections = Awaited<ReturnType<typeof temporaryProjections>>;
