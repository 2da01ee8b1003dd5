import type { PipelineSource, PipelineState } from '../../src/query-side/graphql/pipeline.js';
import { AT } from './examples.js';

const STATE: PipelineState = {
  status: 'healthy',
  version: '1.2.3',
  role: 'all',
  startedAt: AT,
  uptimeSeconds: 12.5,
  parts: [{ name: 'event-store', status: 'healthy', detail: null }],
  servers: [{ name: 'Event store', address: 'embedded', version: '1.2.3', status: 'healthy' }],
  bridge: null,
  readModels: [],
  rates: { commands: 1.5, published: null, documents: null, queries: 2 },
  counters: {
    conflicts: 0,
    duplicates: 0,
    gaps: 0,
    deadLetters: 0,
    alarms: 0,
    errors: 3_000_000_000,
  },
};

/** A pipeline in which nothing happens, but for what a test says. */
export const somePipeline = ({
  state = {},
  ...source
}: { readonly state?: Partial<PipelineState> } & Partial<
  Omit<PipelineSource, 'state'>
> = {}): PipelineSource => ({
  state: () => Promise.resolve({ ...STATE, ...state }),
  deadLetters: null,
  history: () => [],
  configuration: () => ({ LOG_LEVEL: 'info' }),
  ...source,
});
