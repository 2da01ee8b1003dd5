import type { DeadLettersAction, IgnoreAction } from './requests.js';
import { ignoreEvents } from '../command-side/handling/ignore-events.js';
import { type AnimeId, animeIdOf } from '../domain/ids.js';
import { ConfigError } from '../platform/config/config.js';
import type { DeadLetter } from '../ports/dead-letters.js';
import { StreamDeletedError } from '../ports/errors.js';
import type { EventStore } from '../ports/event-store.js';
import type { ReadStore } from '../ports/read-store.js';
import { replayAnime } from '../read-side/rebuild/replay.js';
import { decodeOf } from '../wire/stream-event.js';
import { isUnreadable, remedyFor } from '../wire/upcast.js';
import type { JobDependencies, JobOutput } from './job.js';
import type { Stores } from '../compose/stores.js';
import { isOwn, knownLog, refuseForeign } from '../compose/versions.js';

/** They are held in memory, values included. */
const MAX_LETTERS_PRINTED = 10_000;

/** Lists dead letters, or recomputes the anime that they belong to. */
export const listOrReplay = async (
  { config, signal }: Pick<JobDependencies, 'config' | 'signal'>,
  stores: Stores,
  action: Exclude<DeadLettersAction, IgnoreAction>,
  { print, report }: JobOutput,
): Promise<boolean> => {
  const deadLetters = await stores.deadLetters();
  const letters = await deadLetters.list(
    action.kind === 'list' ? action.limit : MAX_LETTERS_PRINTED,
  );
  const marked = await withOpenState(letters, stores.readStore);
  if (action.kind === 'list') {
    const listed: object[] = [];
    for (const { letter, isOpen } of marked) {
      print(letterLine(letter, isOpen));
      const remedy = isOpen ? await remedyOf(letter, stores.eventStore) : undefined;
      if (remedy !== undefined) print(`         ${remedy}`);
      const { stream, revision, source, reason, at } = letter;
      listed.push({ stream, revision, source, reason, at, open: isOpen, remedy: remedy ?? null });
    }
    const open = marked.filter(({ isOpen }) => isOpen).length;
    print(`${letters.length} dead letters, ${open} open.`);
    report({ letters: listed, total: letters.length, open });
    return true;
  }
  const wanted = marked
    .filter(({ letter, isOpen }) =>
      action.stream === undefined ? isOpen : letter.stream === action.stream,
    )
    .flatMap(({ letter }) => animeIdOfLetter(letter) ?? []);
  if (letters.length === MAX_LETTERS_PRINTED)
    print(`Only the first ${MAX_LETTERS_PRINTED} dead letters are checked.`);
  const logId = await knownLog(stores.eventStore);
  refuseForeign(config, await stores.readStore.versions(), logId);
  return await replayAll([...new Set(wanted)], stores, { logId, signal }, { print, report });
};

/** Appends an event that makes every reader ignore these revisions. Needs only the log. */
export const ignoreRevisions = async (
  store: EventStore,
  action: IgnoreAction,
  { print, report }: Pick<JobOutput, 'print' | 'report'>,
): Promise<boolean> => {
  const { stream } = action;
  const animeId = animeIdOf(stream);
  if (animeId === undefined) throw new ConfigError(`${stream} is not the stream of an anime.`);
  const at = new Date().toISOString();
  const ignored = await ignoreEvents(store, { ...action, animeId, at });
  report({ stream, outcome: ignored.kind });
  switch (ignored.kind) {
    case 'ignored':
      report({ stream, outcome: ignored.kind, revisions: ignored.revisions, at: ignored.at });
      print(
        `${stream}: ignored from now on: ${revisionList(ignored.revisions)}. Recorded in event ${ignored.at}.`,
      );
      return true;
    case 'ignored-before':
      print(`${stream}: already ignored.`);
      return true;
    case 'nothing-to-ignore':
      print(`${stream}: no unreadable event at ${revisionsOf(action)}.`);
      return false;
    case 'newer':
      print(
        `${stream}: event ${ignored.revision} (${ignored.type}) was written by a newer version of this ` +
          'service. Upgrade to count it, or pass --even-newer to ignore it.',
      );
      return false;
  }
};

const MAX_SHOWN = 20;

const revisionList = (revisions: readonly number[]): string =>
  revisions.length <= MAX_SHOWN
    ? revisions.join(', ')
    : `${revisions.length} events from ${revisions[0]} to ${revisions.at(-1)}`;

const revisionsOf = ({ from, to }: IgnoreAction): string =>
  from === to ? `revision ${from}` : `revisions ${from} to ${to}`;

/** The remedy depends on whether this release can read the event. */
const remedyOf = async (letter: DeadLetter, store: EventStore): Promise<string | undefined> => {
  const { stream, revision } = letter;
  const animeId = animeIdOfLetter(letter);
  if (stream === null || revision === null || animeId === undefined) return undefined;
  const replay = `To recompute the anime: anime-analytics dead-letters replay ${stream}`;
  const hidden = `The stream has no such event: see $maxCount, $maxAge and $tb in its metadata.`;
  try {
    for await (const event of store.read(stream, { from: BigInt(revision), limit: 1 })) {
      if (Number(event.revision) !== revision) return hidden;
      const decoded = decodeOf(animeId, event.type, event.data);
      return isUnreadable(decoded) ? remedyFor(decoded, stream, revision) : replay;
    }
  } catch (error) {
    if (!(error instanceof StreamDeletedError)) throw error;
    return error.message;
  }
  return hidden;
};

const animeIdOfLetter = ({ stream }: DeadLetter): AnimeId | undefined =>
  stream === null ? undefined : animeIdOf(stream);

/** A dead letter is settled once the active documents include its event and did not skip it. */
const withOpenState = async (letters: readonly DeadLetter[], readStore: ReadStore) => {
  const active = await readStore.active();
  const ids = [...new Set(letters.flatMap((letter) => animeIdOfLetter(letter) ?? []))];
  const found =
    active === null || !isOwn(readStore, active)
      ? []
      : await readStore.documents(active.name).animes(ids);
  const byId = new Map(found.map((document) => [document.animeId, document]));
  return letters.map((letter) => {
    const animeId = animeIdOfLetter(letter);
    const document = animeId === undefined ? undefined : byId.get(animeId);
    const { revision } = letter;
    const isSettled =
      document !== undefined &&
      revision !== null &&
      document.revision >= revision &&
      !document.skipped.includes(revision);
    return { letter, isOpen: !isSettled };
  });
};

const letterLine = (
  { stream, revision, source, reason, at }: DeadLetter,
  isOpen: boolean,
): string => {
  const place = stream === null ? source : `${stream}@${revision ?? '?'}`;
  return `${isOpen ? 'open   ' : 'settled'}  ${at}  ${place}  ${reason}`;
};

const replayAll = async (
  animes: readonly AnimeId[],
  { eventStore, readStore }: Stores,
  { logId, signal }: { readonly logId: string; readonly signal: AbortSignal },
  { print, report }: Pick<JobOutput, 'print' | 'report'>,
): Promise<boolean> => {
  let allApplied = true;
  const outcomes: object[] = [];
  for (const version of await readStore.versions()) {
    if (!isOwn(readStore, version)) continue;
    const { name } = version;
    const documents = readStore.documents(name);
    for (const animeId of animes) {
      signal.throwIfAborted();
      const replayed = await replayAnime({ eventStore, documents, logId, animeId });
      outcomes.push({ version: name, animeId, ...replayed });
      if (replayed.kind === 'replayed') {
        const { revision, skipped } = replayed;
        const still = skipped.length === 0 ? '' : `; revision ${skipped.join(', ')} still missing`;
        print(`${name}: anime ${animeId} recomputed up to revision ${revision}${still}`);
        if (skipped.length > 0) allApplied = false;
      } else {
        const why = replayed.kind === 'lost' ? replayed.reason : 'Another writer was faster.';
        print(`${name}: anime ${animeId} not changed. ${why}`);
        if (replayed.kind === 'lost') allApplied = false;
      }
    }
  }
  print(`${animes.length} anime replayed.`);
  report({ anime: animes.length, outcomes });
  return allApplied;
};
