import { send } from './http-client.js';

export interface StoredEvent {
  readonly eventId: string;
  readonly revision: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** All events of an anime's stream, in its order, as the command API shows them. */
export const storedEvents = async (commandUrl: string, animeId: number): Promise<StoredEvent[]> => {
  const stored: StoredEvent[] = [];
  for (;;) {
    const url = `${commandUrl}/animes/${animeId}/events?from=${stored.length}&limit=100`;
    const { status, body } = await send('GET', url);
    if (status !== 200) throw new Error(`The events are not served: ${JSON.stringify(body)}`);
    const events = body['events'] as readonly StoredEvent[];
    if (events.length === 0) return stored;
    stored.push(...events);
  }
};
