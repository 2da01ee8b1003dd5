import { expect } from 'chai';
import fc from 'fast-check';
import { isUserId, streamOf, type UserId } from '../../src/domain/ids.js';
import type { JsonObject } from '../../src/ports/json.js';
import type { AnimeDocument, DocumentStore } from '../../src/ports/read-store.js';
import { compareWithLog } from '../../src/read-side/audit/compare.js';
import { createEraseUser } from '../../src/user-protection/forgotten-users.js';
import { openDocumentUsers } from '../../src/user-protection/user-protection.js';
import { encodeProtected, isUserEvent } from '../../src/wire/protected-user.js';
import { encode } from '../../src/wire/stream-event.js';
import { animeId, AT, userId } from '../support/examples.js';
import { type Happening, histories, itemsOf } from '../support/histories.js';
import { inMemoryDocuments } from '../support/in-memory-documents.js';
import { inMemoryEventStore, type InMemoryEventStore } from '../support/in-memory-event-store.js';
import { aMasterKey, inMemoryUserKeys, protectingUsers } from '../support/in-memory-user-keys.js';
import { batchOf, projecting } from '../support/projecting.js';

const USERS = [1, 2, 3].map((number) => userId(`user-${number}`));

/** What users did, and who is erased in between. A user does nothing after his erasure. */
type Step = Happening | { readonly erase: UserId };

const steps = fc
  .tuple(
    histories({ minLength: 5, maxLength: 40 }),
    fc.array(fc.tuple(fc.nat(40), fc.constantFrom(...USERS)), { maxLength: 3 }),
  )
  .map(([history, erasures]): readonly Step[] => {
    const all: Step[] = [...history];
    for (const [at, user] of erasures) all.splice(Math.min(at, all.length), 0, { erase: user });
    const erased = new Set<UserId>();
    return all.filter((step) => {
      if ('erase' in step) {
        erased.add(step.erase);
        return true;
      }
      const { event } = step;
      if (typeof event === 'string' || !isUserEvent(event)) return true;
      return !erased.has(event.data.userId);
    });
  });

const documentsOf = async (store: InMemoryEventStore): Promise<DocumentStore> => {
  const documents = inMemoryDocuments();
  const items = itemsOf(store).filter(({ event }) => event.stream.startsWith('anime-'));
  await projecting(store, documents).handle(batchOf(items));
  return documents;
};

const totalsIn = async (documents: DocumentStore) => {
  const animes: AnimeDocument[] = [];
  const days: unknown[] = [];
  for await (const anime of documents.allAnimes()) {
    animes.push(anime);
    for await (const day of documents.allDays(anime.animeId)) days.push(day);
  }
  return { animes, days };
};

/** Where events are written, and how they name users. */
const recorder = (name: (event: Parameters<typeof encode>[0]) => Promise<JsonObject>) => {
  const store = inMemoryEventStore();
  let count = 0;
  const record = async ({ anime, event }: Happening): Promise<void> => {
    const id = `00000000-0000-4000-8000-${(count += 1).toString(16).padStart(12, '0')}`;
    const isFact = typeof event !== 'string';
    const data = Buffer.from(isFact ? JSON.stringify(await name(event)) : '{"mood":"blue"}');
    const type = isFact ? event.type : 'MoodChanged';
    store.record(streamOf(animeId(anime)), { id, type, data, metadata: {} });
  };
  return { store, record };
};

describe('the log of a service that forgets people', () => {
  it('has the same totals as one without protection, whoever was erased when', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (history) => {
        const keys = inMemoryUserKeys();
        const current = aMasterKey();
        const protection = await protectingUsers(keys, current);
        const plain = recorder((event) => Promise.resolve(encode(event)));
        const safe = recorder(async (event) =>
          isUserEvent(event)
            ? encodeProtected(event, await protection.protect(event.data.userId))
            : encode(event),
        );
        const erase = createEraseUser({ store: safe.store, protection, now: () => new Date(AT) });
        const erased = new Set<UserId>();
        for (const step of history) {
          if ('erase' in step) {
            erased.add(step.erase);
            expect(await erase(step.erase)).to.deep.equal({ events: 0, streams: [] });
            continue;
          }
          await plain.record(step);
          await safe.record(step);
        }
        const documents = await documentsOf(safe.store);
        expect(await totalsIn(documents)).to.deep.equal(
          await totalsIn(await documentsOf(plain.store)),
        );
        const comparison = await compareWithLog({ eventStore: safe.store, documents });
        expect(comparison.differences).to.deep.equal([]);
        const usersOf = await openDocumentUsers(keys, { current });
        for (const user of erased) {
          expect(await usersOf(user)).to.deep.equal([user]);
          expect(keys.content()).not.to.contain(user);
        }
        for (const { data, metadata } of safe.store.log) {
          expect(Buffer.concat([data, metadata]).toString('latin1')).not.to.match(/user-\d/);
        }
        for (const { animeId: anime } of (await totalsIn(documents)).animes) {
          for await (const { userId: user } of documents.allInteractions(anime)) {
            expect(isUserId(user)).to.equal(false);
          }
        }
      }),
      { numRuns: 60 },
    );
  }).timeout(60_000);
});
