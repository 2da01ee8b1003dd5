import { createRequire } from 'node:module';
import { createContext, runInContext } from 'node:vm';

/** An event as the engine hands it to a projection. */
export interface SourceEvent {
  readonly streamId: string;
  readonly sequenceNumber: number;
  readonly eventType: string;
  readonly data: string;
  readonly isJson: boolean;
}

/** What a projection wrote: an event's body, or `revision@stream` in a link of type `$>`. */
interface Emitted {
  readonly streamId: string;
  readonly eventName: string;
  readonly body: string;
  readonly isJson: boolean;
}

type Arguments = readonly [
  event: string,
  isJson: boolean,
  streamId: string,
  eventType: string,
  category: string,
  sequenceNumber: number,
  metadata: string,
  linkMetadata: string | null,
];

/** Of the testing framework, the engine's own prelude, as much as we use. */
interface Framework {
  readonly scope: Readonly<Record<string, unknown>>;
  readonly emittedEvents: Emitted[];
  readonly commandHandlers: {
    initialize(): void;
    set_state(json: string): void;
    debugging_get_state(): string;
    get_sources(): string;
    get_state_partition(...of: Arguments): string;
    process_event(...of: [...Arguments, partition: string, eventId: string]): string;
  };
}

const require = createRequire(import.meta.url);
const FRAMEWORK = 'event-store-projection-testing-framework';

/** The package keeps one processor per loaded module, so each projection loads its own. */
const loadFramework = (): Framework => {
  const ofFramework = (path: string) => path.includes(FRAMEWORK);
  for (const path of Object.keys(require.cache).filter(ofFramework)) {
    Reflect.deleteProperty(require.cache, path);
  }
  return require(FRAMEWORK) as Framework;
};

interface Sources {
  readonly categories: readonly string[];
  readonly byStreams: boolean;
  readonly byCustomPartitions: boolean;
  readonly allEvents: boolean;
  readonly events: readonly string[];
}

/**
 * A projection's text, run by the testing framework. That one knows neither partitions nor what
 * becomes of what is emitted, so partitions are kept here as the engine keeps them: the handler is
 * chosen a partition, gets its state, and its state is taken away again as JSON.
 */
export const loadProjection = (
  query: string,
  states = new Map<string, string>(),
): RunnableProjection => {
  const { scope, emittedEvents, commandHandlers } = loadFramework();
  // Nothing of Node is there: a text that needs more than the language fails here as it would there.
  runInContext(query, createContext({ ...scope }));
  const sources = JSON.parse(commandHandlers.get_sources()) as Sources;

  const partitionOf = (of: Arguments): string | null => {
    if (sources.byStreams) return of[2];
    if (!sources.byCustomPartitions) return '';
    const partition = commandHandlers.get_state_partition(...of);
    return partition === '' ? null : partition;
  };

  const wants = ({ streamId, eventType }: SourceEvent): boolean =>
    sources.categories.includes(streamId.split('-', 1)[0] ?? '') &&
    streamId.includes('-') &&
    (sources.allEvents || sources.events.includes(eventType));

  return {
    /** Handles the event if it is one that the projection reads; answers what it emits. */
    take: (event: SourceEvent): readonly Emitted[] => {
      if (!wants(event)) return [];
      const { streamId, eventType, sequenceNumber, data } = event;
      // Never parsed for them: a projection that reads `event.data`, which may stop it, fails here.
      const isJson = false;
      const of: Arguments = [data, isJson, streamId, eventType, '', sequenceNumber, '{}', null];
      const partition = partitionOf(of);
      if (partition === null) return [];
      const state = states.get(partition);
      if (state === undefined) commandHandlers.initialize();
      else commandHandlers.set_state(state);
      commandHandlers.process_event(...of, partition, '');
      states.set(partition, commandHandlers.debugging_get_state());
      return emittedEvents.splice(0);
    },
    /** Another text that goes on with the states of this one. */
    takeOver: (another: string): RunnableProjection => loadProjection(another, states),
    partitions: (): readonly string[] => [...states.keys()],
    stateOf: (partition: string): unknown => JSON.parse(states.get(partition) ?? 'null'),
  };
};

export interface RunnableProjection {
  take(event: SourceEvent): readonly Emitted[];
  takeOver(query: string): RunnableProjection;
  partitions(): readonly string[];
  stateOf(partition: string): unknown;
}
