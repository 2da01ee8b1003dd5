import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { storedKey, storeKey } from '../data/base.js';
import type { QueryError } from '../data/errors.js';
import type { Asked } from '../data/use-query.js';

interface PanelProps {
  readonly title: string;
  /** Beside the title: a link, a switch. */
  readonly aside?: ComponentChildren;
  readonly wide?: boolean;
  readonly children: ComponentChildren;
}

export const Panel = ({ title, aside, wide = false, children }: PanelProps) => (
  <section class={wide ? 'panel wide' : 'panel'} aria-label={title}>
    <header class="panel-head">
      <h2>{title}</h2>
      {aside}
    </header>
    {children}
  </section>
);

interface LoadedProps<T> {
  readonly asked: Asked<T>;
  /** What this service may not have, as a sentence; shown where the field is missing. */
  readonly absent: string;
  readonly children: (data: T) => ComponentChildren;
}

/** The data of a query; until it is there, or where it cannot be, a sentence that says why. */
export const Loaded = <T,>({
  asked: { data, error, reload },
  absent,
  children,
}: LoadedProps<T>) => {
  if (error?.trouble === 'key') return <KeyForm reason={error.message} />;
  if (error?.trouble === 'absent') return <Empty>{absent}</Empty>;
  if (error?.trouble === 'refused') return <Empty>{error.message}</Empty>;
  if (data !== undefined) {
    return (
      <>
        {error !== undefined && <p class="stale">Not up to date: {sentenceOf(error)}</p>}
        {children(data)}
      </>
    );
  }
  if (error === undefined) return <p class="empty">Loading…</p>;
  return (
    <Empty>
      {sentenceOf(error)}{' '}
      <button type="button" class="plain" onClick={reload}>
        Try again
      </button>
    </Empty>
  );
};

const sentenceOf = ({ trouble, message }: QueryError): string => {
  switch (trouble) {
    case 'away':
      return 'The service cannot be reached; this page tries again by itself.';
    case 'starting':
      return 'The service is not ready; this page tries again by itself.';
    default:
      return message;
  }
};

export const Empty = ({ children }: { readonly children: ComponentChildren }) => (
  <p class="empty">{children}</p>
);

/** Where to enter an API key. It stays in this tab and goes only to this service. */
const KeyForm = ({ reason }: { readonly reason: string }) => {
  const [key, setKey] = useState('');
  return (
    <form
      class="key-form"
      onSubmit={(event) => {
        event.preventDefault();
        storeKey(key.trim());
      }}
    >
      <p>
        {reason}
        {storedKey() !== '' && ' The key of this tab does not open it.'}
      </p>
      <label>
        API key{' '}
        <input
          type="password"
          autocomplete="off"
          required
          value={key}
          onInput={(event) => setKey(event.currentTarget.value)}
        />
      </label>
      <button type="submit">Use for this tab</button>
    </form>
  );
};
