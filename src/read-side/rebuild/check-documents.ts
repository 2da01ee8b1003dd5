import { setImmediate as nextTurn } from 'node:timers/promises';
import { streamOf } from '../../domain/ids.js';
import { StreamDeletedError } from '../../ports/errors.js';
import type { EventStore, Position } from '../../ports/event-store.js';
import type { AnimeDocument, DocumentStore } from '../../ports/read-store.js';
import { unlessAborted } from '../../platform/async/abort.js';
import { chunksOf } from '../../platform/async/pages.js';
import { pause } from '../../platform/async/retry.js';
import type { Logger } from '../../platform/observability/logger.js';
import { presenceOf, type EventPlace } from '../../wire/presence.js';
import { headsSince, lateOf, waitForLate, type StreamHeads } from '../audit/heads.js';
import type { Projector } from '../projector/projector.js';

export interface DocumentCheckOptions {
  readonly eventStore: EventStore;
  readonly documents: DocumentStore;
  readonly projector: Pick<Projector, 'recheck' | 'lastApplied' | 'quarantine'>;
  readonly logger: Logger;
  /**
   * Whether the bus stores the offsets of its groups. If so, it does not redeliver events to documents
   * that were restored without the bus, and the missing ones are read from the log.
   */
  readonly keeps: boolean;
  /** Told of every document that is read. */
  readonly onDocument?: (document: AnimeDocument) => void;
  /** Whether the bus has no events waiting: only then is a late document stuck. */
  readonly isIdle: () => boolean;
  readonly signal: AbortSignal;
  /** The first check begins after it: it reads every document, and the start need not wait for that. */
  readonly after?: Promise<void>;
  /** How long to wait for late documents. */
  readonly waitMs?: number;
  readonly everyMs?: number;
  /** The interval after a check that left late documents to the bus. */
  readonly againAfterMs?: number;
  readonly lookEveryMs?: number;
  /** The interval of checks of quarantined anime, whose streams may have been repaired. */
  readonly quarantineEveryMs?: number;
}

export interface CheckResult {
  /** Documents that had events which are not in the log. */
  readonly ahead: number;
  /** Documents that the bus would not have brought up to date. */
  readonly late: number;
  /** No late document was left to the bus. */
  readonly complete: boolean;
}

const CHECKS_AT_ONCE = 16;

/**
 * Compares every anime document with the log: the event at its revision must be there. Documents
 * ahead of the log are recomputed; documents that stay late are brought up to date.
 */
export const checkDocuments = async (options: DocumentCheckOptions): Promise<CheckResult> => {
  const { eventStore, documents, projector, keeps, isIdle, signal, waitMs = 10_000 } = options;
  const { onDocument = () => undefined } = options;
  const heads: StreamHeads = new Map();
  let ahead = 0;

  const head = (stream: string): Promise<number> => lastRevisionIn(eventStore, stream);
  const checkOne = async (document: AnimeDocument): Promise<void> => {
    const { animeId, revision, lastEventId: id } = document;
    onDocument(document);
    const stream = streamOf(animeId);
    // A recomputation was interrupted, or the anime is not in the log.
    if (revision < 0) {
      await projector.recheck(animeId, await head(stream), signal);
      return;
    }
    const { kind, hasLater } = await presenceOf(eventStore, { stream, revision, id });
    if (kind === 'lost') {
      ahead += 1;
      await projector.recheck(animeId, await head(stream), signal);
    } else if (kind === 'there' && hasLater) heads.set(animeId, await head(stream));
  };
  for await (const chunk of chunksOf(documents.allAnimes(), CHECKS_AT_ONCE)) {
    signal.throwIfAborted();
    await Promise.all(chunk.map(checkOne));
    // Embedded reads are synchronous, and commands must not wait for all of them.
    await nextTurn();
  }

  let upTo: Position | null = null;
  const isScanned = ahead > 0 || (keeps && isIdle());
  if (isScanned) {
    const mark = ahead > 0 ? null : await documents.flushed();
    const since = await headsSince(eventStore, mark ?? 'start', signal);
    for (const [animeId, revision] of since.heads) heads.set(animeId, revision);
    ({ upTo } = since);
  }
  const late = await waitForLate(documents, await lateOf(documents, heads), { waitMs, signal });
  signal.throwIfAborted();
  if (late.length > 0 && !isIdle()) return { ahead, late: 0, complete: false };
  for (const { animeId, head: revision } of late) {
    await projector.recheck(animeId, revision, signal);
  }
  if (keeps && upTo !== null) await documents.setFlushed(upTo);
  return { ahead, late: late.length, complete: isScanned || !keeps };
};

const lastRevisionIn = async (eventStore: EventStore, stream: string): Promise<number> => {
  const known = await eventStore.head(stream);
  return known === 'no_stream' ? -1 : Number(known);
};

/** Resumes quarantined anime whose streams have been repaired, without waiting for an event. */
export const recheckQuarantined = async ({
  eventStore,
  projector,
  signal,
}: Pick<DocumentCheckOptions, 'eventStore' | 'projector' | 'signal'>): Promise<void> => {
  for (const animeId of [...projector.quarantine().keys()]) {
    signal.throwIfAborted();
    try {
      await projector.recheck(animeId, await lastRevisionIn(eventStore, streamOf(animeId)), signal);
    } catch (error) {
      // The anime of a tombstoned stream stays quarantined.
      if (!(error instanceof StreamDeletedError)) throw error;
    }
  }
};

interface ConfirmOptions extends Pick<DocumentCheckOptions, 'logger' | 'signal'> {
  readonly projector: Pick<Projector, 'confirm'>;
  readonly everyMs?: number;
}

/** Applies events that were delivered before they could be read from their streams. */
export const keepConfirming = async (options: ConfirmOptions): Promise<void> => {
  const { projector, logger, signal, everyMs = 250 } = options;
  while (!isAborted(signal)) {
    try {
      await projector.confirm(signal);
    } catch (error) {
      if (isAborted(signal)) return;
      logger.debug('Could not check for unconfirmed events', { error });
    }
    await pause(everyMs, signal);
  }
};

/** Checks `after`, at intervals, and whenever the log has lost the last applied event. */
export const keepChecking = async (options: DocumentCheckOptions): Promise<void> => {
  const {
    logger,
    signal,
    after = Promise.resolve(),
    everyMs = 3_600_000,
    againAfterMs = 30_000,
    lookEveryMs = 5_000,
    quarantineEveryMs = 60_000,
  } = options;
  await unlessAborted(signal, after).catch(() => undefined);
  let quarantineAt = performance.now() + quarantineEveryMs;
  let nextAt = performance.now();
  let isFirst = true;
  let watched: EventPlace | null = null;
  while (!isAborted(signal)) {
    try {
      if (watched !== null && (await presenceOf(options.eventStore, watched)).kind === 'lost') {
        logger.error('The last applied event is no longer in the log', { ...watched });
        nextAt = performance.now();
      }
      if (performance.now() >= nextAt) {
        const { complete, ...found } = await checkDocuments(options);
        // An event left unconfirmed by the previous process may have reached its stream only now.
        nextAt = performance.now() + (complete && !isFirst ? everyMs : againAfterMs);
        isFirst = false;
        if (found.ahead > 0 || found.late > 0) {
          logger.warn('Documents repaired after a comparison with the log', found);
        }
      }
      if (performance.now() >= quarantineAt) {
        quarantineAt = performance.now() + quarantineEveryMs;
        await recheckQuarantined(options);
      }
      watched = options.projector.lastApplied();
    } catch (error) {
      if (isAborted(signal)) return;
      // The check failed, so it is due again.
      nextAt = performance.now();
      logger.warn('Comparing the documents with the log failed', { error });
    }
    await pause(lookEveryMs, signal);
  }
};

/** A function, because the compiler assumes that `aborted` does not change. */
const isAborted = (signal: AbortSignal): boolean => signal.aborted;
