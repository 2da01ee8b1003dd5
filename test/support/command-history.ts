import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { createWorkload, type Interaction } from '../../bench/support/workload.js';
import { eventually } from './eventually.js';
import { send, type Answer } from './http-client.js';
import { storedEvents } from './stored-events.js';

type Outcome =
  | 'acknowledged'
  /** It is against the rules. */
  | 'rejected'
  /** The service cannot record it now, and has not. */
  | 'unavailable'
  /** No answer, or one that says so. Stored or not, both are right. */
  | 'unknown';

/** A command that was sent, and what is known of it. */
interface RecordedCommand {
  readonly animeId: number;
  /** Sent with the command, or with its batch, and stored with its event. */
  readonly correlationId: string;
  readonly outcome: Outcome;
  /** Its own, also of a command in a batch. */
  readonly answer: Pick<Answer, 'status' | 'body'> | undefined;
}

export interface CommandHistory {
  readonly commands: readonly RecordedCommand[];
  /** How often an outcome was recorded so far. */
  count(outcome: Outcome): number;
  /** Sends no more, and resolves when what is under way has its answer. */
  finish(): Promise<void>;
  /** Named in every failure: FAULTS_SEED makes the clients send the same again. */
  readonly seed: number;
}

export interface RecordOptions {
  readonly commandUrl: () => string;
  /** Listed ones. */
  readonly animeIds: readonly number[];
  readonly clients?: number;
  /** How long each client waits between two commands. */
  readonly paceMs?: number;
}

const CLIENTS = 8;
/** One client of so many sends batches, of so many commands. */
const BATCHING = 4;
const TOGETHER = 10;
/** One command of so many is against the rules. */
const INVALID = 20;
/** After a failure, which comes at once where nobody listens. */
const PAUSE_MS = 10;

const nextSeed = (): number => Number(process.env['FAULTS_SEED'] ?? randomInt(2 ** 31));

/**
 * Clients that go on sending commands until they are told to finish, whatever happens to the servers,
 * and record every outcome. Nothing is sent twice.
 */
export const recordCommands = (options: RecordOptions): CommandHistory => {
  const { commandUrl, animeIds, clients = CLIENTS, paceMs = 0 } = options;
  const seed = nextSeed();
  const commands: RecordedCommand[] = [];
  const counts = { acknowledged: 0, rejected: 0, unavailable: 0, unknown: 0 };
  let finished = false;

  const client = async (number: number): Promise<void> => {
    const workload = createWorkload({
      seed: seed + number,
      popularity: 'zipf',
      animes: animeIds.length,
      users: 50,
    });
    const together = number % BATCHING === BATCHING - 1 ? TOGETHER : 1;
    for (let index = 0; !finished; index += together) {
      const correlationId = `${number}-${index}-${randomUUID()}`;
      const requests = Array.from({ length: together }, (_, offset) => {
        const interaction = workload();
        const animeId = animeIds[interaction.animeId - 1] ?? 0;
        return toRequest({ ...interaction, animeId }, (index + offset) % INVALID === 0);
      });
      const answers = await postAll(commandUrl, requests, correlationId);
      const outcomes = answers.map(outcomeOf);
      for (const [place, outcome] of outcomes.entries()) {
        const animeId = requests[place]?.body.anime_id ?? 0;
        commands.push({ animeId, correlationId, outcome, answer: answers[place] });
        counts[outcome] += 1;
      }
      const failed = outcomes.some((outcome) => outcome === 'unavailable' || outcome === 'unknown');
      if (failed || paceMs > 0) await delay(failed ? Math.max(PAUSE_MS, paceMs) : paceMs);
    }
  };

  const sending = Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
  return {
    seed,
    commands,
    count: (outcome) => counts[outcome],
    finish: async () => {
      finished = true;
      await sending;
    },
  };
};

interface CommandRequest {
  readonly type: 'click' | 'view' | 'rating';
  readonly body: Readonly<Record<string, unknown>> & { readonly anime_id: number };
}

const toRequest = (
  { animeId, userId, ...interaction }: Interaction,
  isInvalid: boolean,
): CommandRequest => {
  const of = { anime_id: animeId, user_id: userId };
  if (isInvalid) return { type: 'rating', body: { ...of, rating: 11 } };
  const { kind: type } = interaction;
  if (type === 'click') return { type, body: of };
  if (type === 'rating') return { type, body: { ...of, rating: interaction.rating } };
  return { type, body: { ...of, duration_seconds: interaction.durationSeconds } };
};

/** The answer of each command, in order; several are one batch. */
const postAll = async (
  commandUrl: () => string,
  requests: readonly CommandRequest[],
  correlationId: string,
): Promise<readonly RecordedCommand['answer'][]> => {
  const headers = { 'x-correlation-id': correlationId };
  // Also where the process to send to does not run.
  const post = async (path: string, body: unknown): Promise<Answer | undefined> => {
    try {
      return await send('POST', `${commandUrl()}/${path}`, body, headers);
    } catch {
      return undefined;
    }
  };
  const [first, ...others] = requests;
  if (first !== undefined && others.length === 0) return [await post(first.type, first.body)];
  const answer = await post(
    'batch',
    requests.map(({ type, body }) => ({ type, ...body })),
  );
  const results = answer?.body['results'] as readonly { readonly status: number }[] | undefined;
  // A batch that is refused as a whole says so for each of its commands.
  return requests.map((_, place) => {
    const result = results?.[place];
    return result === undefined ? answer : { status: result.status, body: { ...result } };
  });
};

const outcomeOf = (answer: RecordedCommand['answer']): Outcome => {
  if (answer === undefined) return 'unknown';
  if (answer.status === 201) return 'acknowledged';
  if (answer.status < 500) return 'rejected';
  return NOTHING_RECORDED.test(String(answer.body['detail'])) ? 'unavailable' : 'unknown';
};

const NOTHING_RECORDED = /nothing was recorded/i;

interface Wanted {
  readonly withinMs?: number;
  readonly outcome?: Outcome;
}

/** Resolves once so many more commands have that outcome. */
export const sendSome = (
  history: CommandHistory,
  more: number,
  { withinMs = 30_000, outcome = 'acknowledged' }: Wanted = {},
): Promise<void> => {
  const before = history.count(outcome);
  return eventually(
    () => {
      const sent = history.count(outcome) - before;
      if (sent < more) throw new Error(`Only ${sent} of ${more} commands were ${outcome}.`);
    },
    { withinMs },
  );
};

/**
 * Every acknowledged command is in its stream once, at the revision of its answer, no rejected or
 * unavailable one is, an unknown one at most once, and the revisions have no hole.
 */
export const expectHistoryKept = async (
  commandUrl: string,
  { commands, seed }: CommandHistory,
): Promise<void> => {
  for (const animeId of new Set(commands.map((command) => command.animeId))) {
    const which = `anime ${animeId}, seed ${seed}`;
    const stored = await storedEvents(commandUrl, animeId);
    expect(
      stored.map(({ revision }) => Number(revision)),
      `holes in ${which}`,
    ).to.deep.equal(stored.map((_, index) => index));
    expect(new Set(stored.map(({ eventId }) => eventId)).size, `event ids of ${which}`).to.equal(
      stored.length,
    );
    const revisions = new Map<unknown, string[]>();
    for (const { metadata, revision } of stored) {
      const id = metadata['$correlationId'];
      revisions.set(id, [...(revisions.get(id) ?? []), revision]);
    }
    const requests = new Map<string, RecordedCommand[]>();
    for (const command of commands.filter((each) => each.animeId === animeId)) {
      const { correlationId } = command;
      requests.set(correlationId, [...(requests.get(correlationId) ?? []), command]);
    }
    for (const [correlationId, sent] of requests) {
      expectRecordedOnce(revisions.get(correlationId) ?? [], sent, which);
    }
  }
};

/** Commands of one request on one anime, and the revisions of the events that it left there. */
const expectRecordedOnce = (
  found: readonly string[],
  sent: readonly RecordedCommand[],
  which: string,
): void => {
  const what = `${which}: ${JSON.stringify(sent)}`;
  const acknowledged = sent
    .filter(({ outcome }) => outcome === 'acknowledged')
    .map(({ answer }) => answer?.body['revision']);
  expect(new Set(acknowledged).size, what).to.equal(acknowledged.length);
  expect(found, what).to.include.members(acknowledged);
  const unknown = sent.filter(({ outcome }) => outcome === 'unknown').length;
  expect(found.length, what).to.be.at.most(acknowledged.length + unknown);
};
