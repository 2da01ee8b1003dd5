import { Counter, Gauge } from 'prom-client';
import { METRIC_PREFIX, type Registers } from './command-metrics.js';

/** Of the event store's projections; they are only set with PROJECTIONS=on or PROJECTIONS_WATCH. */
export const projectionMetrics = (registers: Registers) => ({
  projectionState: new Gauge({
    name: `${METRIC_PREFIX}projection_state`,
    help: '1 for the condition that a projection of the event store is in (running, stopped, faulted, changing, missing), else 0.',
    labelNames: ['projection', 'condition'] as const,
    registers,
  }),
  projectionProgress: new Gauge({
    name: `${METRIC_PREFIX}projection_progress_ratio`,
    help: 'How much of its source a projection of the event store has read, from 0 to 1.',
    labelNames: ['projection'] as const,
    registers,
  }),
  projectionLag: new Gauge({
    name: `${METRIC_PREFIX}projection_lag_seconds`,
    help: 'For how long a projection of the event store has not been seen at the end of its source; 0 if it is there.',
    labelNames: ['projection'] as const,
    registers,
  }),
  projectionFaults: new Counter({
    name: `${METRIC_PREFIX}projection_faults_total`,
    help: 'How often a projection of the event store was seen to become faulted.',
    labelNames: ['projection'] as const,
    registers,
  }),
});
