/** What a projection's query declares, including which events to read. */
export interface ProjectionSources {
  readonly all: boolean;
  readonly streams: readonly string[];
  /** Set if the source is a single category. */
  readonly category: string | null;
  readonly byStream: boolean;
  readonly byCustom: boolean;
  readonly biState: boolean;
  readonly outputState: boolean;
  readonly includeLinks: boolean;
  readonly handlesDeletions: boolean;
  readonly transforms: boolean;
  /** Event types with a handler; null for all. */
  readonly types: readonly string[] | null;
  readonly resultStream: string | null;
  readonly partitionResultStream: string | null;
}

export type SandboxFunction = (...parameters: readonly unknown[]) => unknown;

export interface ProjectionHandlers {
  readonly on: Readonly<Record<string, SandboxFunction>>;
  readonly created: readonly SandboxFunction[];
  readonly transforms: readonly (readonly [filter: boolean, apply: SandboxFunction])[];
  readonly init: SandboxFunction | null;
  readonly initShared: SandboxFunction | null;
  readonly any: SandboxFunction | null;
  readonly deleted: SandboxFunction | null;
  readonly partitionBy: SandboxFunction | null;
}

/**
 * Runs inside the sandbox, where it is passed as text: it may use nothing from outside. Declares `fromStream`
 * and the other selectors, until the query has been evaluated. Chains that EventStoreDB does not offer are not
 * offered here either.
 */
export const createDefinition = () => {
  const handlers = {
    on: { __proto__: null } as unknown as Record<string, SandboxFunction>,
    created: [] as SandboxFunction[],
    transforms: [] as [boolean, SandboxFunction][],
    init: null as SandboxFunction | null,
    initShared: null as SandboxFunction | null,
    any: null as SandboxFunction | null,
    deleted: null as SandboxFunction | null,
    partitionBy: null as SandboxFunction | null,
  };
  const sources = {
    all: false,
    streams: [] as string[],
    category: null as string | null,
    byStream: false,
    byCustom: false,
    biState: false,
    outputState: false,
    includeLinks: false,
    handlesDeletions: false,
    transforms: false,
    types: null as string[] | null,
    resultStream: null as string | null,
    partitionResultStream: null as string | null,
  };
  const declared: string[] = [];
  const chain: Record<string, unknown> = {};
  const OFFERED: Record<string, readonly string[]> = {
    fromStream: ['when', 'partitionBy', 'outputState'],
    fromStreams: ['when', 'partitionBy', 'outputState'],
    fromAll: ['when', 'partitionBy', 'outputState', 'foreachStream'],
    fromCategory: ['when', 'partitionBy', 'outputState', 'foreachStream'],
    when: ['transformBy', 'filterBy', 'outputState', 'outputTo', '$defines_state_transform'],
    foreachStream: ['when'],
    outputState: ['transformBy', 'filterBy', 'outputTo'],
    partitionBy: ['when'],
    transformBy: ['transformBy', 'filterBy', 'outputState', 'outputTo'],
    filterBy: ['transformBy', 'filterBy', 'outputState', 'outputTo'],
    outputTo: [],
  };

  const offer = (after: string): unknown => {
    for (const name of Object.keys(chain)) Reflect.deleteProperty(chain, name);
    for (const name of OFFERED[after] ?? []) chain[name] = steps[name];
    return chain;
  };

  const asText = (value: unknown, name: string): string => {
    if (typeof value !== 'string') {
      throw new Error(`Value does not fall within the expected range. (Parameter '${name}')`);
    }
    return value;
  };

  const asFunction = (value: unknown): SandboxFunction => {
    if (typeof value !== 'function') throw new Error('expected function');
    return value as SandboxFunction;
  };

  const addHandler = (name: string, handler: SandboxFunction): void => {
    if (name === '$init') handlers.init = handler;
    else if (name === '$initShared') {
      sources.biState = true;
      handlers.initShared = handler;
    } else if (name === '$any') handlers.any = handler;
    else if (name === '$created') handlers.created.push(handler);
    else if (name === '$deleted') {
      if (sources.biState) throw new Error('Cannot handle deletes in bi-state projections');
      sources.handlesDeletions = true;
      handlers.deleted = handler;
    } else {
      if (handlers.on[name] !== undefined) {
        throw new Error(`An item with the same key has already been added. Key: ${name}`);
      }
      handlers.on[name] = handler;
      (sources.types ??= []).push(name);
    }
  };

  const transformWith = (filter: boolean, after: string) => (apply: unknown) => {
    handlers.transforms.push([filter, asFunction(apply)]);
    sources.transforms = true;
    sources.outputState = true;
    return offer(after);
  };

  const steps: Record<string, SandboxFunction> = {
    when: (given) => {
      if (typeof given === 'object' && given !== null) {
        for (const [name, handler] of Object.entries(given)) {
          if (typeof handler === 'function') addHandler(name, handler as SandboxFunction);
        }
      }
      return offer('when');
    },
    partitionBy: (given) => {
      handlers.partitionBy = asFunction(given);
      sources.byCustom = true;
      return offer('partitionBy');
    },
    foreachStream: () => {
      sources.byStream = true;
      return offer('foreachStream');
    },
    outputState: () => {
      sources.outputState = true;
      return offer('outputState');
    },
    outputTo: (...given) => {
      if (given.length !== 1 && given.length !== 2) throw new Error('invalid number of parameters');
      sources.resultStream = asText(given[0], 'resultStream');
      if (given.length === 2) {
        sources.partitionResultStream = asText(given[1], 'partitionResultStreamPattern');
      }
      return offer('outputTo');
    },
    transformBy: transformWith(false, 'transformBy'),
    filterBy: transformWith(true, 'filterBy'),
    $defines_state_transform: () => {
      sources.transforms = true;
      sources.outputState = true;
    },
  };

  const addStreams = (names: readonly unknown[], prefix: string): void => {
    for (const name of names) {
      const stream = prefix + asText(name, 'streams');
      if (!sources.streams.includes(stream)) sources.streams.push(stream);
    }
  };

  const listOf = (given: readonly unknown[]): readonly unknown[] =>
    Array.isArray(given[0]) ? (given[0] as unknown[]) : given;

  const fromCategory: SandboxFunction = (...given) => {
    if (given.length === 1 && !Array.isArray(given[0])) {
      sources.category = asText(given[0], 'category');
      addStreams(given, '$ce-');
    } else addStreams(listOf(given), '$ce-');
    return offer('fromCategory');
  };

  const flag = (name: 'includeLinks' | 'biState') => (value: unknown) => {
    if (typeof value !== 'boolean') throw new Error('Invalid value');
    sources[name] = value;
  };

  const OPTIONS: Record<string, (value: unknown) => void> = {
    $includelinks: flag('includeLinks'),
    bistate: flag('biState'),
    // Events of several streams are read in the order of the log, so there is nothing to reorder.
    reorderevents: (value) => {
      if (typeof value !== 'boolean') throw new Error('Invalid value');
    },
    processinglag: (value) => {
      if (typeof value !== 'number') throw new Error('Invalid value');
    },
    resultstreamname: (value) => {
      if (typeof value !== 'string') throw new Error('Invalid value');
      sources.resultStream = value;
    },
  };

  const declare = (name: string, declaration: SandboxFunction): void => {
    declared.push(name);
    (globalThis as unknown as Record<string, unknown>)[name] = declaration;
  };

  declare('options', (given) => {
    for (const [name, value] of Object.entries(given ?? {})) {
      const set = OPTIONS[name.toLowerCase()];
      if (set === undefined) throw new Error(`Unrecognized option: ${name}`);
      set(value);
    }
  });
  declare('fromStream', (stream) => {
    addStreams([asText(stream, 'stream')], '');
    return offer('fromStream');
  });
  declare('fromStreams', (...given) => {
    addStreams(listOf(given), '');
    return offer('fromStreams');
  });
  declare('fromCategory', fromCategory);
  declare('fromCategories', fromCategory);
  declare('fromAll', () => {
    sources.all = true;
    return offer('fromAll');
  });
  declare('on_event', (name, handler) =>
    addHandler(asText(name, 'eventName'), asFunction(handler)),
  );
  declare('on_any', (handler) => addHandler('$any', asFunction(handler)));

  /** After the query was evaluated: removes the selectors and checks the declarations. */
  const finish = (): void => {
    for (const name of declared) Reflect.deleteProperty(globalThis, name);
    if (handlers.any !== null) sources.types = null;
    if (!sources.all && sources.streams.length === 0) {
      throw new Error('None of streams and categories are included');
    }
    if (sources.all && sources.streams.length > 0) {
      throw new Error('Both FromAll and specific categories/streams cannot be set');
    }
    if (sources.byStream && sources.byCustom) {
      throw new Error('Cannot set both partitionBy and foreachStream');
    }
    if (handlers.deleted !== null && !sources.byStream) {
      throw new Error('Deleted stream notifications are only supported with foreachStream()');
    }
    if (sources.biState && !sources.byStream && !sources.byCustom) {
      throw new Error('A shared state without partitions is not supported');
    }
  };

  return { handlers, sources, finish };
};
