import {
  PortError,
  StreamDeletedError,
  TooLargeError,
  WrongExpectedRevisionError,
} from '../../ports/errors.js';
import type { EncodedEvent, EventStore, RecordedEvent } from '../../ports/event-store.js';
import { withOriginalTime } from '../../wire/original-time.js';
import { holdsMetadata, placeholderAt, TOMBSTONE_TYPE } from './copied-events.js';
import { createMetadataCopies } from './metadata-copies.js';
import {
  appendableGroups,
  createPatience,
  type LogTarget,
  otherEvents,
  type Patiently,
} from './target.js';

/**
 * A server, which counts revisions and sets times itself. The original time goes into the metadata.
 * Missing revisions are filled with placeholders, which the stream's metadata then hides.
 */
export const serverTarget = (
  store: EventStore,
  signal: AbortSignal,
  patiently: Patiently = createPatience(signal),
): LogTarget => {
  const append = async (stream: string, first: bigint, events: readonly EncodedEvent[]) => {
    const expected = first === 0n ? 'no_stream' : first - 1n;
    await patiently(() => store.append(stream, expected, events));
  };
  const metadata = createMetadataCopies(store, patiently);

  /** From one revision up to another, exclusive. */
  const fill = async (stream: string, from: bigint, to: bigint): Promise<void> => {
    for (let next = from; next < to;) {
      const events: EncodedEvent[] = [];
      for (const first = next; next < to && next - first < FILLED_AT_ONCE; next += 1n) {
        events.push(placeholderAt(stream, next));
      }
      await append(stream, next - BigInt(events.length), events);
    }
    await metadata.hideBefore(stream, to);
  };

  /** Events of one stream at consecutive revisions. */
  const writeRun = async (events: readonly RecordedEvent[]): Promise<number> => {
    const [head] = events;
    if (head === undefined) return 0;
    const { stream, revision } = head;
    try {
      await append(stream, revision, events.map(withOriginalTime));
      return events.length;
    } catch (error) {
      // Its tombstone was copied before; if not, the final comparison reports it.
      if (error instanceof StreamDeletedError) return 0;
      if (error instanceof TooLargeError) throw tooLargeFor(head, error);
      if (!(error instanceof WrongExpectedRevisionError)) throw error;
      const actual = error.actual === 'no_stream' ? -1n : error.actual;
      if (actual < revision - 1n) {
        await fill(stream, actual + 1n, revision);
        return await writeRun(events);
      }
      const rest = events.filter((event) => event.revision > actual);
      if (rest.length === events.length) throw error;
      await assertCopied(events.slice(0, events.length - rest.length));
      return await writeRun(rest);
    }
  };

  /** Events that metadata hides from readers are not compared. */
  const assertCopied = async (events: readonly RecordedEvent[]): Promise<void> => {
    const expected = new Map(events.map(({ revision, id }) => [revision, id]));
    const { stream = '', revision: from = 0n } = events[0] ?? {};
    for await (const found of store.read(stream, { from, limit: events.length })) {
      const id = expected.get(found.revision);
      if (id !== undefined && id !== found.id) throw otherEvents(stream, found.revision);
    }
  };

  const writeGroup = async (events: readonly RecordedEvent[]): Promise<number> => {
    const [{ stream, type } = { stream: '', type: '' }] = events;
    if (holdsMetadata(stream)) return await metadata.write(events);
    if (type !== TOMBSTONE_TYPE) return await writeRun(events);
    await patiently(() => store.tombstone(stream));
    return 1;
  };

  return {
    store,
    isExact: false,
    patiently,
    write: async (events) => {
      let written = 0;
      for (const run of runsOf(events)) {
        for (const group of appendableGroups(run)) {
          signal.throwIfAborted();
          written += await writeGroup(group);
        }
      }
      return written;
    },
  };
};

const FILLED_AT_ONCE = 500n;

/** Groups neighbours of one stream with consecutive revisions. A tombstone has the highest revision. */
const runsOf = (events: readonly RecordedEvent[]): readonly (readonly RecordedEvent[])[] => {
  const runs: RecordedEvent[][] = [];
  for (const event of events) {
    const run = runs.at(-1);
    const before = run?.at(-1);
    if (before?.stream === event.stream && before.revision + 1n === event.revision) {
      run?.push(event);
    } else runs.push([event]);
  }
  return runs;
};

const tooLargeFor = ({ stream, revision }: RecordedEvent, cause: TooLargeError): PortError =>
  new PortError(
    'TOO_LARGE',
    `The target does not take revision ${revision} of the stream ${stream}, or one just after it: ` +
      'raise the size limit of its appends (--max-append-size).',
    false,
    { cause, context: { stream, revision } },
  );
