import { useEffect, useRef, useState } from 'preact/hooks';
import { keyHeaders, type Settings } from '../data/base.js';
import { ask } from '../data/graphql.js';
import { ANIME_STATS_QUERY, type Stats } from '../data/queries.js';
import { formats } from './formats.js';

/** The user under whose name the buttons of the page send. */
const DEMO_USER = 'dashboard-demo';

export type Demo =
  | { readonly path: 'click' }
  | { readonly path: 'view'; readonly duration_seconds: number }
  | { readonly path: 'rating'; readonly rating: number };

export interface CommandOutcome {
  readonly revision: string;
  /** From sending the command to its response. */
  readonly answeredMs: number;
  /** From the response until a query showed the revision. */
  readonly shownMs: number;
  readonly stats: Stats | null;
}

/** Sends a command to the command API and waits until the statistics include it. */
const sendDemo = async (
  commands: string,
  animeId: number,
  { path, ...more }: Demo,
  signal: AbortSignal,
): Promise<CommandOutcome> => {
  const sent = performance.now();
  const response = await fetch(`${commands}/${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...keyHeaders() },
    body: JSON.stringify({ anime_id: animeId, user_id: DEMO_USER, ...more }),
    signal,
  });
  const body = (await response.json()) as { readonly revision?: string; readonly detail?: string };
  const answered = performance.now();
  if (!response.ok || body.revision === undefined) {
    throw new Error(body.detail ?? `The command API answered with the status ${response.status}.`);
  }
  const { revision } = body;
  const { animeStats } = await ask<{ animeStats: Stats | null }>(
    ANIME_STATS_QUERY,
    { animeId, minRevision: revision },
    signal,
  );
  const shownMs = performance.now() - answered;
  return { revision, answeredMs: answered - sent, shownMs, stats: animeStats };
};

interface DemoCommandsProps {
  readonly animeId: number;
  readonly settings: Settings | undefined;
  readonly onStats: (stats: Stats) => void;
}

const VIEW_SECONDS = 24 * 60;

/** Buttons that send a click, a view or a rating, and say how soon the statistics had it. */
export const DemoCommands = ({ animeId, settings, onStats }: DemoCommandsProps) => {
  const [rating, setRating] = useState('8');
  const [said, setSaid] = useState('');
  const stop = useRef(new AbortController());
  useEffect(() => () => stop.current.abort(), []);
  if (settings === undefined || !settings.demo || settings.commands === null) return null;
  const { commands } = settings;

  const send = (what: string, demo: Demo): void => {
    sendDemo(commands, animeId, demo, stop.current.signal).then(
      (outcome) => {
        setSaid(sentence(what, outcome));
        if (outcome.stats !== null) onStats(outcome.stats);
      },
      (error: unknown) => {
        if (!stop.current.signal.aborted) setSaid(`Not sent: ${messageOf(error)}`);
      },
    );
  };

  return (
    <div class="demo">
      <span>As the user {DEMO_USER}:</span>
      <button type="button" onClick={() => send('Click', { path: 'click' })}>
        Click
      </button>
      <button
        type="button"
        onClick={() => send('View', { path: 'view', duration_seconds: VIEW_SECONDS })}
      >
        View of 24 minutes
      </button>
      <label>
        <span class="hidden">Rating</span>
        <select value={rating} onChange={(event) => setRating(event.currentTarget.value)}>
          {['10', '9', '8', '7', '6', '5', '4', '3', '2', '1'].map((each) => (
            <option key={each} value={each}>
              {each} ★
            </option>
          ))}
        </select>
      </label>
      <button
        type="button"
        onClick={() => send('Rating', { path: 'rating', rating: Number(rating) })}
      >
        Rate
      </button>
      <output>{said}</output>
    </div>
  );
};

const sentence = (what: string, { revision, answeredMs, shownMs }: CommandOutcome): string =>
  `${what} stored at revision ${revision} in ${formats.decimal(answeredMs, 0)} ms; the statistics had it ${formats.decimal(shownMs, 0)} ms later.`;

const messageOf = (error: unknown): string =>
  error instanceof TypeError
    ? 'the command API cannot be reached.'
    : error instanceof Error
      ? error.message
      : 'the command failed.';
