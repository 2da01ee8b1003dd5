import type { DeadLettersAction } from '../cli.js';
import { animeIdOf } from '../domain/stream-name.js';
import type { AnimeId } from '../domain/ids.js';
import type { DeadLetter } from '../ports/dead-letters.js';
import type { ReadStore } from '../ports/read-store.js';
import { replayAnime } from '../read-side/replay.js';
import { openDeadLettersOf } from './bus.js';
import { openStores, runJob, type JobOptions, type Stores } from './job.js';
import { knownLog, refuseForeign } from './versions.js';

/** Held in memory together, each with its value. */
const AT_MOST = 10_000;

/** Lists what could not be applied, or computes the anime that it belongs to again. */
export const runDeadLettersJob = (
  options: JobOptions,
  action: DeadLettersAction,
): Promise<boolean> =>
  runJob(options, async (needs) => {
    const { print } = options;
    const stores = await openStores(needs);
    const deadLetters = await openDeadLettersOf(needs);
    const letters = await deadLetters.list(action.kind === 'list' ? action.limit : AT_MOST);
    const marked = await withState(letters, stores.readStore);
    if (action.kind === 'list') {
      marked.forEach(({ letter, isOpen }) => print(lineOf(letter, isOpen)));
      print(
        `${letters.length} dead letters, ${marked.filter(({ isOpen }) => isOpen).length} open.`,
      );
      return true;
    }
    const wanted = marked
      .filter(({ letter, isOpen }) =>
        action.stream === undefined ? isOpen : letter.stream === action.stream,
      )
      .flatMap(({ letter }) => animeOf(letter) ?? []);
    if (letters.length === AT_MOST) print(`Only the first ${AT_MOST} letters are looked at.`);
    const logId = await knownLog(stores.eventStore);
    refuseForeign(needs.config, await stores.readStore.versions(), logId);
    return await replayAll([...new Set(wanted)], stores, logId, print);
  });

const animeOf = ({ stream }: DeadLetter): AnimeId | undefined =>
  stream === null ? undefined : animeIdOf(stream);

/** A letter is settled once the active documents hold its event, and not as one that was skipped. */
const withState = async (letters: readonly DeadLetter[], readStore: ReadStore) => {
  const active = await readStore.active();
  const ids = [...new Set(letters.flatMap((letter) => animeOf(letter) ?? []))];
  const found = active === null ? [] : await readStore.documents(active.name).animes(ids);
  const byId = new Map(found.map((document) => [document.animeId, document]));
  return letters.map((letter) => {
    const animeId = animeOf(letter);
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

const lineOf = ({ stream, revision, source, reason, at }: DeadLetter, isOpen: boolean): string => {
  const place = stream === null ? source : `${stream}@${revision ?? '?'}`;
  return `${isOpen ? 'open   ' : 'settled'}  ${at}  ${place}  ${reason}`;
};

const replayAll = async (
  animes: readonly AnimeId[],
  { eventStore, readStore }: Stores,
  logId: string,
  print: JobOptions['print'],
): Promise<boolean> => {
  let allApplied = true;
  for (const { name } of await readStore.versions()) {
    const documents = readStore.documents(name);
    for (const animeId of animes) {
      const replayed = await replayAnime({ eventStore, documents, logId, animeId });
      if (replayed.kind === 'replayed') {
        const { revision, skipped } = replayed;
        const still = skipped.length === 0 ? '' : `, still without ${skipped.join(', ')}`;
        print(`${name}: anime ${animeId} is computed again up to revision ${revision}${still}`);
        if (skipped.length > 0) allApplied = false;
      } else {
        const why = replayed.kind === 'lost' ? replayed.reason : 'Somebody else was faster.';
        print(`${name}: anime ${animeId} stays as it is. ${why}`);
        if (replayed.kind === 'lost') allApplied = false;
      }
    }
  }
  print(`${animes.length} anime replayed.`);
  return allApplied;
};
