import { send } from './http-client.js';

/** The ids of all events of an anime's stream, in its order, as the command API shows them. */
export const storedIds = async (commandUrl: string, animeId: number): Promise<string[]> => {
  const ids: string[] = [];
  for (;;) {
    const url = `${commandUrl}/animes/${animeId}/events?from=${ids.length}&limit=100`;
    const { body } = await send('GET', url);
    const events = body['events'] as readonly { readonly eventId: string }[];
    if (events.length === 0) return ids;
    ids.push(...events.map(({ eventId }) => eventId));
  }
};
