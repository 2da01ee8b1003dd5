import { eventually } from './eventually.js';

/** A message of a stream of server-sent events. */
interface StreamMessage {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: {
    readonly data?: Readonly<Record<string, unknown>> | null;
    readonly errors?: readonly { readonly extensions?: Readonly<Record<string, unknown>> }[];
  } | null;
}

export interface EventStream {
  readonly response: Response;
  /** All messages so far. */
  messages(): readonly StreamMessage[];
  /** What was sent so far, comments included. */
  text(): string;
  /** The data of the messages, once there are so many. */
  data(count: number): Promise<readonly unknown[]>;
  /** Whether the server has ended the stream. */
  hasEnded(): boolean;
  /** Leaves, as a client that closes its tab. */
  leave(): void;
}

/** Reads a stream as a browser does. */
export const openEventStream = async (
  url: string,
  init: RequestInit = {},
): Promise<EventStream> => {
  const leaving = new AbortController();
  const response = await fetch(url, {
    ...init,
    headers: { accept: 'text/event-stream', ...(init.headers as Record<string, string>) },
    signal: leaving.signal,
  });
  let text = '';
  let ended = false;
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const bytes of response.body ?? []) {
      text += decoder.decode(bytes as Uint8Array, { stream: true });
    }
  };
  read()
    .catch(() => undefined)
    .finally(() => (ended = true));
  const messages = () => parsed(text);
  return {
    response,
    messages,
    text: () => text,
    data: (count) =>
      eventually(() => {
        const next = messages().filter(({ event }) => event === 'next');
        if (next.length < count) throw new Error(`${next.length} of ${count} messages:\n${text}`);
        return next.map(({ data }) => data?.data);
      }),
    hasEnded: () => ended,
    leave: () => leaving.abort(),
  };
};

const parsed = (text: string): readonly StreamMessage[] =>
  text
    .split('\n\n')
    .slice(0, -1)
    .map((block) => {
      const field = (name: string) =>
        block
          .split('\n')
          .find((line) => line.startsWith(`${name}:`))
          ?.slice(name.length + 1)
          .trim();
      const data = field('data') ?? '';
      return {
        event: field('event') ?? '',
        id: field('id'),
        data: data === '' ? null : (JSON.parse(data) as StreamMessage['data']),
      };
    })
    .filter(({ event }) => event !== '');
