import { randomUUID } from 'node:crypto';
import { WrongExpectedVersionError, binaryEvent, jsonEvent } from '@eventstore/db-client';
import { expect } from 'chai';
import fc from 'fast-check';
import { createEmbeddedEventStore } from '../../src/adapters/embedded/event-store.js';
import { createEventStoreDbStore } from '../../src/adapters/eventstoredb/event-store.js';
import type { CommandLimits } from '../../src/command-side/handling/queued-command.js';
import { ignoreEvents } from '../../src/command-side/handling/ignore-events.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import type { EventStore } from '../../src/ports/event-store.js';
import { freshAnime, handlerOver, streamOfAnime, typesOf } from '../support/command-handler.js';
import { eventually } from '../support/eventually.js';
import { AT } from '../support/examples.js';
import { openGrpcNode, type GrpcNode } from '../support/grpc-node.js';

/** What another program does to an anime's stream through the port of the event store. */
describe('an anime stream changed by somebody else', () => {
  let node: GrpcNode;
  before(async () => (node = await openGrpcNode()));
  after(() => node.stop());

  const KINDS = {
    'the embedded event store': (): EventStore => createEmbeddedEventStore(node.log),
    'an event store server': (): EventStore =>
      createEventStoreDbStore({
        connectionString: `esdb://127.0.0.1:${node.server.port}?tls=false`,
        logger: silentLogger(),
      }),
  };

  for (const [kind, storeOf] of Object.entries(KINDS)) {
    describe(`on ${kind}`, () => {
      let store: EventStore;
      before(() => (store = storeOf()));
      after(async () => {
        if (kind === 'an event store server') await store.close();
      });

      const LIMITS = { beginningForMs: 0, recheckAfterMs: 0 };
      const listed = async (clicks = 0, limits: Partial<CommandLimits> = {}) => {
        const anime = freshAnime();
        const process = handlerOver(store, { ...LIMITS, ...limits });
        await process.send(anime.list);
        for (let count = 0; count < clicks; count += 1) await process.send(anime.click);
        return { anime, ...process };
      };
      const append = (stream: string, type: string, data: object) =>
        node.client.appendToStream(
          stream,
          jsonEvent({ id: randomUUID(), type, data: { ...data } }),
        );
      const request = (anime: ReturnType<typeof freshAnime>, from: number, to = from) => ({
        animeId: anime.id,
        from,
        to,
        reason: 'A test.',
        evenNewer: false,
        at: AT,
      });

      for (const [what, type, data] of [
        ['an unknown type', 'AnimeAwarded', {}],
        ['a schema version of the future', 'ClickRegistered', { schemaVersion: 99 }],
        ['wrong fields', 'ClickRegistered', { animeId: 'x', occurredAt: AT }],
        ['the id of another anime', 'AnimeDelisted', { animeId: 2 ** 31 - 1, occurredAt: AT }],
      ] as const) {
        it(`refuses commands while it holds an event of ${what}, in every process`, async () => {
          const { anime, send } = await listed();
          await append(anime.stream, type, data);
          for (const ask of [send, send, handlerOver(store).send]) {
            for (const command of [anime.click, anime.list, anime.delist]) {
              const answer = await ask(command);
              expect(answer).to.include({ kind: 'unreadable' });
              expect(answer)
                .to.have.property('problem')
                .that.includes({
                  stream: anime.stream,
                  revision: 1n,
                  eventType:
                    type === 'ClickRegistered' && what.startsWith('a schema')
                      ? 'ClickRegistered version 99'
                      : type,
                });
            }
          }
          expect(await streamOfAnime(store, anime.id)).to.have.length(2);
        });
      }

      it('accepts commands once its unreadable events are ignored', async () => {
        const { anime, send } = await listed();
        await node.client.appendToStream(
          anime.stream,
          binaryEvent({ type: 'AnimeDelisted', data: Buffer.from('{"animeId":') }),
        );
        await append(anime.stream, 'AnimeAwarded', {});
        expect(await send(anime.click))
          .to.have.nested.property('problem.remedy')
          .that.contains(`dead-letters ignore ${anime.stream} 1-2`);

        expect(await ignoreEvents(store, request(anime, 1))).to.deep.equal({
          kind: 'ignored',
          revisions: [1],
          at: 3n,
        });
        expect(await send(anime.click)).to.have.nested.property('problem.revision', 2n);
        await ignoreEvents(store, request(anime, 0, 100));
        expect(await send(anime.click)).to.include({ kind: 'accepted', revision: 5n });
        expect(await handlerOver(store).send(anime.click)).to.include({ revision: 6n });

        await append(anime.stream, 'AnimeAwarded', {});
        expect(await send(anime.click)).to.have.nested.property('problem.revision', 7n);
      });

      it('accepts commands from a snapshot beyond ignored events', async () => {
        const { anime, send, drain } = await listed(1, { snapshotEvery: 5 });
        await append(anime.stream, 'AnimeAwarded', {});
        await ignoreEvents(store, request(anime, 2));
        for (let count = 0; count < 28; count += 1) await send(anime.click);
        await drain();
        const restarted = handlerOver(store, { snapshotEvery: 5 });
        expect(await restarted.send(anime.click)).to.include({ kind: 'accepted', revision: 32n });
        expect(restarted.eventsRead()).to.be.below(20);
      });

      it('refuses to ignore events twice, readable events, and events of a newer version', async () => {
        const { anime } = await listed();
        await append(anime.stream, 'AnimeAwarded', {});
        await append(anime.stream, 'ClickRegistered', { schemaVersion: 99 });
        const ignore = (from: number, to = from, evenNewer = false) =>
          ignoreEvents(store, { ...request(anime, from, to), evenNewer });
        expect(await ignore(0)).to.deep.equal({ kind: 'nothing-to-ignore' });
        expect(await ignore(9)).to.deep.equal({ kind: 'nothing-to-ignore' });
        expect(await ignore(1, 2)).to.include({ kind: 'newer', revision: 2 });
        expect(await ignore(1)).to.include({ kind: 'ignored' });
        expect(await ignore(1)).to.deep.equal({ kind: 'ignored-before' });
        expect(await ignore(2, 2, true)).to.include({ kind: 'ignored' });
        expect(typesOf(await streamOfAnime(store, anime.id)).slice(-2)).to.deep.equal([
          ...['EventsIgnored', 'EventsIgnored'],
        ]);
      });

      it('is on the list of refused streams until repaired, without a command or a restart', async () => {
        const { anime, send, refused, metrics } = await listed();
        const counted = async () => (await metrics.streamsRefused.get()).values[0]?.value;
        await append(anime.stream, 'AnimeAwarded', {});
        await send(anime.click);
        await send(anime.click);
        expect(refused()).to.have.length(1);
        expect(await counted()).to.equal(1);
        const [problem] = refused();
        expect(problem?.detail).to.equal(
          `Event 1 of ${anime.stream} (AnimeAwarded) cannot be read: unknown type.`,
        );
        expect(problem?.remedy).to.contain(`anime-analytics dead-letters ignore ${anime.stream} 1`);
        await ignoreEvents(store, request(anime, 1));
        await eventually(() => expect(refused()).to.deep.equal([]));
        expect(await counted()).to.equal(0);
      });

      for (const [setting, metadata] of [
        ['$maxCount', { maxCount: 3 }],
        ['$tb', { truncateBefore: 3 }],
      ] as const) {
        it(`refuses commands while ${setting} hides its beginning, snapshot or not, and accepts them after`, async () => {
          const { anime, send, drain, refused } = await listed(5, { snapshotEvery: 2 });
          await node.client.setStreamMetadata(anime.stream, metadata);
          const restarted = handlerOver(store, LIMITS);
          const without = handlerOver(store, { ...LIMITS, snapshotEvery: 1_000_000 });
          for (const ask of [send, restarted.send, without.send, send]) {
            for (const command of [anime.click, anime.list, anime.delist]) {
              const answer = await ask(command);
              expect(answer).to.include({ kind: 'truncated' });
              expect(answer)
                .to.have.nested.property('problem.detail')
                .that.contains(`begins at revision 3 (${setting} is 3)`);
            }
          }
          await node.client.setStreamMetadata(anime.stream, {});
          expect(await send(anime.click)).to.include({ kind: 'accepted', revision: 6n });
          expect(await restarted.send(anime.click)).to.include({ kind: 'accepted', revision: 7n });
          expect(refused()).to.deep.equal([]);
          await drain();
        });
      }

      it('refuses commands where the first event left is an unreadable listing', async () => {
        const { anime, send } = await listed(2);
        await append(anime.stream, 'AnimeListed', { animeId: anime.id, occurredAt: AT });
        await ignoreEvents(store, request(anime, 3));
        await node.client.setStreamMetadata(anime.stream, { truncateBefore: 3 });
        expect(await send(anime.click)).to.include({ kind: 'truncated' });
        expect(await handlerOver(store).send(anime.click)).to.include({ kind: 'truncated' });
      });

      it('accepts commands where the first event left is a listing, which states all details', async () => {
        const { anime, send } = await listed(1);
        await send(anime.delist);
        await send(anime.list);
        await send(anime.click);
        await node.client.setStreamMetadata(anime.stream, { truncateBefore: 3 });
        expect(await send(anime.click)).to.include({ kind: 'accepted', revision: 5n });
        expect(await handlerOver(store).send(anime.click)).to.include({ revision: 6n });
      });

      it('accepts commands while $maxCount hides nothing', async () => {
        const { anime, send } = await listed(1);
        await node.client.setStreamMetadata(anime.stream, { maxCount: 3 });
        expect(await send(anime.click)).to.include({ kind: 'accepted' });
        expect(await handlerOver(store).send(anime.list)).to.include({ kind: 'unchanged' });
        expect(await send(anime.click)).to.include({ kind: 'accepted' });
        expect(await send(anime.click)).to.include({ kind: 'truncated' });
        expect(await handlerOver(store).send(anime.click)).to.include({ kind: 'truncated' });
      });

      it('is unlisted after a soft delete in every process, and starts again when it is listed', async () => {
        const { anime, send, drain } = await listed(4, { snapshotEvery: 2 });
        await drain();
        const again = handlerOver(store, LIMITS);
        await again.send(anime.click);
        await node.client.deleteStream(anime.stream);
        const NOT_LISTED = { kind: 'rejected' };
        for (const ask of [again.send, handlerOver(store).send]) {
          for (const command of [anime.click, anime.rating, anime.delist]) {
            const answer = await ask(command);
            expect(answer).to.include(NOT_LISTED);
            expect(answer).to.have.nested.property('rejection.code', 'ANIME_NOT_LISTED');
          }
        }
        expect(await again.send(anime.list)).to.include({ kind: 'accepted', revision: 6n });
        expect(await again.send(anime.click)).to.include({ kind: 'accepted', revision: 7n });
        expect(await handlerOver(store).send(anime.click)).to.include({ revision: 8n });
        expect(await send(anime.click)).to.include({ kind: 'overloaded' });
      });

      it('refuses commands where a click was accepted after a soft delete, until repaired', async () => {
        const { anime, send } = await listed(2, { beginningForMs: 3_600_000 });
        await node.client.deleteStream(anime.stream);
        // A process that looked a moment ago does not know yet; the append undoes the delete.
        expect(await send(anime.click)).to.include({ kind: 'accepted', revision: 3n });
        const restarted = handlerOver(store, LIMITS);
        expect(await restarted.send(anime.click)).to.include({ kind: 'truncated' });
        expect(await restarted.send(anime.list)).to.include({ kind: 'truncated' });
        await node.client.deleteStream(anime.stream);
        expect(await restarted.send(anime.list)).to.include({ kind: 'accepted', revision: 4n });
        expect(await restarted.send(anime.click)).to.include({ kind: 'accepted', revision: 5n });
      });

      it('is gone for ever after a tombstone', async () => {
        const { anime, send } = await listed(1);
        await node.client.tombstoneStream(anime.stream);
        for (const ask of [send, handlerOver(store).send]) {
          for (const command of [anime.click, anime.list, anime.delist]) {
            expect(await ask(command)).to.deep.equal({ kind: 'gone' });
          }
        }
      });

      it('gets the same response from a long-running process and from a new one', async () => {
        const STEPS = {
          list: ({ anime, send }) => send(anime.list),
          click: ({ anime, send }) => send(anime.click),
          delist: ({ anime, send }) => send(anime.delist),
          foreign: ({ anime }) => append(anime.stream, 'AnimeAwarded', {}),
          ignore: ({ anime }) => ignoreEvents(store, request(anime, 0, 1000)),
          cut: ({ anime }) => node.client.setStreamMetadata(anime.stream, { maxCount: 2 }),
          mend: ({ anime }) => node.client.setStreamMetadata(anime.stream, {}),
          delete: ({ anime }) =>
            node.client.deleteStream(anime.stream).catch((error: unknown) => {
              // Nothing was ever appended.
              if (!(error instanceof WrongExpectedVersionError)) throw error;
            }),
        } satisfies Record<string, (process: Awaited<ReturnType<typeof listed>>) => unknown>;
        const names = Object.keys(STEPS) as (keyof typeof STEPS)[];
        const seen = new Set<string>();
        const property = fc.asyncProperty(
          fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 12 }),
          async (steps) => {
            const process = await listed(0, { snapshotEvery: 2 });
            for (const step of steps) {
              await STEPS[step](process);
              // Changes nothing, and tells the state and the revision that it was decided on.
              const probe = { ifMatch: [999_999n] };
              const known = await process.send(process.anime.click, probe);
              const fresh = await handlerOver(store, LIMITS).send(process.anime.click, probe);
              expect(known, steps.join(' ')).to.deep.equal(fresh);
              seen.add(known.kind);
            }
            await process.drain();
          },
        );
        await fc.assert(property, {
          numRuns: 40,
          examples: [
            [['click', 'click', 'cut', 'mend', 'click']],
            [['foreign', 'ignore', 'click']],
            [['click', 'delete', 'list', 'click']],
          ],
        });
        expect([...seen]).to.have.members([
          ...['precondition-failed', 'rejected', 'unreadable', 'truncated'],
        ]);
      }).timeout(60_000);

      it('is read again rarely: most commands cost one append', async () => {
        const { anime, send, eventsRead } = await listed(1, { beginningForMs: 3_600_000 });
        const before = eventsRead();
        for (let count = 0; count < 20; count += 1) await send(anime.click);
        expect(eventsRead()).to.equal(before);
      });
    });
  }
});
