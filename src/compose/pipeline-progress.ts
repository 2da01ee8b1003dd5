import type { Offsets } from '../ports/event-bus.js';
import type { EventStore } from '../ports/event-store.js';
import type { ReadStore, VersionRecord } from '../ports/read-store.js';
import type { PipelineState } from '../query-side/graphql/pipeline.js';
import { isOwn } from './versions.js';
import type { ReadSide } from './read-side.js';

/** Null instead of an answer that fails or takes too long. */
type NullIfFailed = <T>(answer: Promise<T>) => Promise<T | null>;

const STATES = {
  starting: 'starting',
  leading: 'publishing',
  standby: 'standing by',
  refusing: 'refusing',
  stopped: 'stopped',
} as const;

export const bridgeOf = async (
  { bridge, eventStore }: ReadSide,
  ask: NullIfFailed,
): Promise<PipelineState['bridge']> => {
  const { role, owner, position, caughtUp, waitingEvents, lagSeconds } = bridge.status();
  return {
    state: STATES[role],
    owner,
    checkpoint: position === null ? null : String(position.commit),
    head: (await ask(endOf(eventStore)))?.toString() ?? null,
    lagEvents: caughtUp ? waitingEvents : null,
    lagSeconds: caughtUp ? lagSeconds : null,
  };
};

/** The commit position of the last event; 0 where there is none. */
const endOf = async (eventStore: EventStore): Promise<bigint> => {
  const [last] = await eventStore.readAll({ direction: 'backwards', limit: 1 });
  return last?.position.commit ?? 0n;
};

interface Parts {
  readonly readStore: ReadStore;
  readonly readSide: ReadSide | null;
}

/** The versions of this log's read models, of other releases too. */
export const readModelsOf = async (
  parts: Parts,
  ask: NullIfFailed,
): Promise<PipelineState['readModels']> => {
  const versions = (await ask(parts.readStore.versions())) ?? [];
  return await Promise.all(versions.map((version) => progressOf(parts, version, ask)));
};

const progressOf = async (
  { readStore, readSide }: Parts,
  version: VersionRecord,
  ask: NullIfFailed,
): Promise<PipelineState['readModels'][number]> => {
  const { name, state } = version;
  const consumed = readSide?.projectors.partitions(name) ?? null;
  const unknown = { name, state, lagEvents: null, lagSeconds: null, progress: null };
  if (readSide === null || consumed === null || !isOwn(readStore, version)) {
    return { ...unknown, partitions: [] };
  }
  const offsets = await ask(readSide.bus.committed(consumed.group));
  const partitions = [...consumed.waiting].map(([partition, lagEvents]) => ({
    partition,
    lagEvents,
    offset: offsets?.get(partition)?.toString() ?? null,
  }));
  const { caughtUp, waitingEvents, lagSeconds } = readSide.bridge.status();
  const onTheBus = partitions.reduce((sum, { lagEvents }) => sum + lagEvents, 0);
  const lagEvents = caughtUp ? waitingEvents + onTheBus : null;
  return {
    ...unknown,
    lagEvents,
    lagSeconds: caughtUp && onTheBus === 0 ? lagSeconds : null,
    progress: lagEvents === 0 ? 1 : await ask(fractionOf(readSide, { offsets, name })),
    partitions,
  };
};

/** By offsets where the bus keeps records, else by positions in the log. */
const fractionOf = async (
  { bus, eventStore, readStore }: ReadSide,
  { offsets, name }: { readonly offsets: Offsets | null; readonly name: string },
): Promise<number | null> => {
  const ends = await bus.ends();
  if (ends !== null)
    return shareDone(sumOfOffsets(offsets ?? new Map<number, bigint>()), sumOfOffsets(ends));
  const [flushed, end] = await Promise.all([
    readStore.documents(name).flushed(),
    endOf(eventStore),
  ]);
  return shareDone(flushed?.commit ?? 0n, end);
};

const sumOfOffsets = (offsets: Offsets): bigint =>
  [...offsets.values()].reduce((sum, each) => sum + each, 0n);

const shareDone = (done: bigint, all: bigint): number =>
  all === 0n ? 1 : Math.min(1, Number(done) / Number(all));
