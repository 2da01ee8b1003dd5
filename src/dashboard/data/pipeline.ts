import type { Subscription } from './live.js';

/** The state of the pipeline, as the query API reports it. */

interface WithLag {
  readonly lagEvents: number | null;
  readonly lagSeconds: number | null;
}

export interface Rates {
  readonly commands: number | null;
  readonly published: number | null;
  readonly documents: number | null;
  readonly queries: number | null;
}

export interface HistorySample {
  readonly time: string;
  readonly commands: number | null;
  readonly published: number | null;
  readonly documents: number | null;
  readonly lagEvents: number | null;
  readonly lagSeconds: number | null;
  readonly memoryBytes: number | null;
}

interface BridgeState extends WithLag {
  readonly state: string;
  readonly owner: string | null;
  readonly checkpoint: string | null;
  readonly head: string | null;
}

export interface ReadModelsState extends WithLag {
  readonly name: string;
  readonly state: string;
  readonly progress: number | null;
  readonly partitions: readonly {
    readonly partition: number;
    readonly lagEvents: number | null;
    readonly offset: string | null;
  }[];
}

export interface Counters {
  readonly conflicts: number | null;
  readonly duplicates: number | null;
  readonly gaps: number | null;
  readonly deadLetters: number | null;
  readonly alarms: number | null;
  readonly errors: number | null;
}

export interface Pipeline {
  readonly status: string;
  readonly version: string;
  readonly role: string;
  readonly startedAt: string;
  readonly uptimeSeconds: number;
  readonly parts: readonly {
    readonly name: string;
    readonly status: string;
    readonly detail: string | null;
  }[];
  readonly servers: readonly {
    readonly name: string;
    readonly address: string;
    readonly version: string | null;
    readonly status: string;
  }[];
  readonly bridge: BridgeState | null;
  readonly readModels: readonly ReadModelsState[];
  readonly rates: Rates;
  readonly counters: Counters;
}

export interface DeadLetterNode {
  /** Null for a record that belongs to no anime; revision and command too. */
  readonly stream: string | null;
  readonly revision: string | null;
  readonly reason: string;
  readonly detail: string;
  readonly time: string;
  readonly replayCommand: string | null;
}

const RATES = `rates { commands published documents queries }`;
const STATE = `status version role startedAt uptimeSeconds
  parts { name status detail }
  servers { name address version status }
  bridge { state owner checkpoint head lagEvents lagSeconds }
  readModels { name state lagEvents lagSeconds progress partitions { partition lagEvents offset } }
  ${RATES}
  counters { conflicts duplicates gaps deadLetters alarms errors }`;

export const PIPELINE_QUERY = `query DashboardPipeline { pipeline { ${STATE} } }`;
export const LIVE_PIPELINE: Subscription<{ readonly pipeline: Pipeline | null }> = {
  document: `subscription DashboardLivePipeline { pipeline { ${STATE} } }`,
};
export const NUMBERS_QUERY = `query DashboardNumbers { pipeline { ${RATES} readModels { state lagEvents lagSeconds } } }`;
export const HISTORY_QUERY = `query DashboardHistory { pipeline { history { time commands published documents lagEvents lagSeconds memoryBytes } } }`;
export const DEAD_LETTERS_QUERY = `query DashboardDeadLetters($after: String) { pipeline { deadLetters(first: 20, after: $after) {
  edges { node { stream revision reason detail time replayCommand } cursor }
  pageInfo { hasNextPage endCursor }
} } }`;
export const CONFIGURATION_QUERY = `query DashboardConfiguration { pipeline { configuration } }`;
export const SERVICE_INFO_QUERY = `query DashboardServiceInfo { serviceInfo { version role readModels lagEvents lagSeconds } }`;

export interface ServiceSummary {
  readonly version: string;
  readonly role: string;
  readonly readModels: string | null;
  readonly lagEvents: number | null;
  readonly lagSeconds: number | null;
}

/** What `/health` answers. */
export interface HealthResponse {
  readonly status: string;
  readonly service: string;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly problems?: Readonly<
    Record<
      string,
      {
        readonly count: number;
        readonly streams: readonly {
          readonly stream: string;
          readonly detail: string;
          readonly remedy: string;
        }[];
      }
    >
  >;
}
