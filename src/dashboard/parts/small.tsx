import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { LiveState } from '../data/live.js';
import { titlePath } from '../data/route.js';
import { Link } from './navigation.js';

/** A state with its word: colour is never the only sign. */
export const Badge = ({ state }: { readonly state: string }) => (
  <span class={`badge ${toneOf(state)}`}>{state}</span>
);

const GOOD = ['healthy', 'active', 'publishing', 'ready', 'live', 'connected', 'up', 'running'];
const BAD = ['unhealthy', 'stopped', 'failed', 'down', 'unreachable', 'faulted'];

const toneOf = (state: string): 'good' | 'bad' | 'fair' =>
  GOOD.includes(state) ? 'good' : BAD.includes(state) ? 'bad' : 'fair';

export const LiveMark = ({ state }: { readonly state: LiveState }) => (
  <span class={`live ${state}`}>
    {state === 'open' ? 'live' : state === 'absent' ? 'polling' : 'connecting'}
  </span>
);

/** A number with its name. */
export const Tile = ({
  name,
  value,
  unit,
}: {
  readonly name: string;
  readonly value: string;
  readonly unit?: string;
}) => (
  <div class="tile">
    <dt>{name}</dt>
    <dd>
      {value}
      {unit !== undefined && value !== '–' && <small> {unit}</small>}
    </dd>
  </div>
);

/** A picture, if it comes with the data; pictures of other hosts are not loaded. */
export const Poster = ({
  image,
  title,
}: {
  readonly image: string | null;
  readonly title: string;
}) =>
  image?.startsWith('data:image/') === true ? (
    <img class="poster" src={image} alt="" loading="lazy" decoding="async" />
  ) : (
    <span class="poster none" aria-hidden="true">
      {title.slice(0, 1)}
    </span>
  );

export const TitleLink = ({
  id,
  title,
}: {
  readonly id: number;
  readonly title: string | null;
}) => <Link to={titlePath(id)}>{title ?? `Anime ${id}`}</Link>;

/** Copies a text; where the browser refuses, it can be selected. */
export const Copyable = ({ text, label }: { readonly text: string; readonly label: string }) => {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <div class="copyable">
      <pre tabIndex={0} aria-label={label}>
        {text}
      </pre>
      <button
        type="button"
        onClick={() => {
          navigator.clipboard.writeText(text).then(
            () => setCopied(true),
            () => undefined,
          );
        }}
      >
        {copied ? 'Copied' : 'Copy'}
        <span class="hidden"> {label}</span>
      </button>
    </div>
  );
};

/** A table that scrolls sideways by itself, with the keyboard too. */
export const Table = ({
  label,
  head,
  children,
}: {
  readonly label: string;
  /** Names of columns; one that begins with # holds numbers. */
  readonly head: readonly string[];
  readonly children: ComponentChildren;
}) => (
  <div class="scroll" tabIndex={0} role="group" aria-label={label}>
    <table>
      <thead>
        <tr>
          {head.map((name) => (
            <th key={name} scope="col" class={name.startsWith('#') ? 'number' : undefined}>
              {name.replace(/^#/, '')}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  </div>
);
