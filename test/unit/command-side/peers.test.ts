import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { AnimeId } from '../../../src/domain/ids.js';
import { ownerAmong, seedOf } from '../../../src/command-side/peers/peer.js';
import { connectPeers, createSharingHandler } from '../../../src/command-side/peers/peers.js';
import { openPeerServer } from '../../../src/command-side/peers/peer-server.js';
import { silentLogger, type Logger } from '../../../src/platform/observability/logger.js';
import type { EventStore } from '../../../src/ports/event-store.js';
import type { CommandHandler } from '../../../src/command-side/handling/handler.js';
import {
  freshAnime,
  handlerOver,
  openStore,
  streamOfAnime,
  withKey,
} from '../../support/command-handler.js';
import { animeId } from '../../support/examples.js';
import { held } from '../../support/faulty-event-store.js';
import { recordingLogger } from '../../support/recording-logger.js';
import { eventually } from '../../support/eventually.js';

const HOST = '127.0.0.1';

describe('command APIs that share commands', () => {
  let store: EventStore;
  let close: () => Promise<void>;
  let stops: (() => Promise<unknown>)[] = [];
  before(async () => ({ store, close } = await openStore()));
  after(() => close());
  afterEach(async () => {
    await Promise.all(stops.map((stop) => stop()));
    stops = [];
  });

  /** A command API as far as its peers see it. */
  const openMember = async (
    ports: readonly number[] = [],
    key = 'secret',
    logger: Logger = silentLogger(),
  ) => {
    const id = randomUUID();
    const { metrics, handler, ...local } = handlerOver(store);
    const server = await openPeerServer({ host: HOST, port: 0, id, key, handler, logger });
    const connectTo = (others: readonly number[]) =>
      connectPeers({
        id,
        key,
        logger,
        metrics,
        lookEveryMs: 20,
        addresses: [server.port, ...others].map((port) => ({ host: HOST, port })),
      });
    const peers = connectTo(ports);
    const sharing = createSharingHandler({ local: handler, peers, server, metrics });
    stops.push(() => sharing.drain());
    const send: CommandHandler['handle'] = (command, options) => sharing.handle(command, options);
    return { ...local, id, server, peers, sharing, metrics, send };
  };

  const openPair = async () => {
    const owner = await openMember();
    const other = await openMember([owner.server.port]);
    await eventually(() => expect(other.peers.connected()).to.equal(1));
    const anime = animeOwnedBy(other, owner.id);
    await other.send(anime.list, { correlationId: 'list' });
    return { owner, other, anime };
  };

  const animeOwnedBy = (
    { peers }: { readonly peers: { ownerOf(id: AnimeId): { readonly id: string } | null } },
    ownerId: string,
  ) => {
    for (;;) {
      const anime = freshAnime();
      if (peers.ownerOf(anime.id)?.id === ownerId) return anime;
    }
  };

  it('have a command handled where its anime is owned, and answer as if it had been here', async () => {
    const { owner, other, anime } = await openPair();
    const result = await other.send(anime.click, { correlationId: 'click' });
    expect(result).to.include({ kind: 'accepted', revision: 1n });
    expect(owner.appends.map(({ stream }) => stream)).to.deep.equal([anime.stream, anime.stream]);
    expect(other.appends).to.have.length(0);
    const stale = { correlationId: 'stale', ifMatch: [0n] };
    expect(await other.send(anime.click, stale)).to.deep.equal({
      kind: 'precondition-failed',
      header: 'If-Match',
      revision: 1n,
    });
  });

  it('recognise their own address', async () => {
    const { other, owner } = await openPair();
    expect(other.peers.connected()).to.equal(1);
    expect(owner.peers.connected()).to.equal(0);
  });

  it('handle a command themselves while the owner stops', async () => {
    const { owner, other, anime } = await openPair();
    owner.server.refuse();
    const result = await other.send(anime.click, { correlationId: 'click' });
    expect(result).to.include({ kind: 'accepted', revision: 1n });
    expect(other.appends).to.have.length(1);
  });

  it('own the anime of a member that has left', async () => {
    const { owner, other, anime } = await openPair();
    await owner.sharing.drain();
    await eventually(() => expect(other.peers.connected()).to.equal(0));
    const result = await other.send(anime.click, { correlationId: 'click' });
    expect(result).to.include({ kind: 'accepted', revision: 1n });
  });

  it('call the outcome unknown when the owner goes with the command, and try again with a key', async () => {
    const { owner, other, anime } = await openPair();
    const answer = held();
    owner.next(answer.fault);
    const unkeyed = other.send(anime.click, { correlationId: 'click' });
    const keyed = other.send(anime.rating, { correlationId: 'rating', ...withKey('k') });
    await eventually(() => expect(owner.appends).to.have.length(2));
    await owner.server.close();
    expect(await unkeyed).to.deep.equal({ kind: 'outcome-unknown' });
    expect(await keyed)
      .to.have.property('kind')
      .that.is.oneOf(['accepted', 'replayed']);
    answer.release();
    const types = (await streamOfAnime(store, anime.id)).map(({ type }) => type);
    expect(types.filter((type) => type === 'RatingGiven')).to.have.length(1);
  });

  it('record one key once, whichever of them gets it', async () => {
    const { owner, other, anime } = await openPair();
    const options = { correlationId: 'key', ...withKey('k') };
    const results = await Promise.all(
      [owner, other, owner, other].map(({ send }) => send(anime.click, options)),
    );
    expect(results.map(({ kind }) => kind).sort()).to.deep.equal([
      'accepted',
      'replayed',
      'replayed',
      'replayed',
    ]);
    expect(await streamOfAnime(store, anime.id)).to.have.length(2);
  });

  it('do not share with one that has another key', async () => {
    const stranger = await openMember([], 'another');
    const { logger, lines } = recordingLogger();
    const member = await openMember([stranger.server.port], 'secret', logger);
    const warnings = () => lines.filter(({ level }) => level === 'warn');
    await eventually(() => expect(warnings()).to.have.length(1));
    expect(warnings()[0]?.data['reason']).to.equal('Another command API has a different PEER_KEY.');
    const socket = connect(stranger.server.port, HOST);
    await once(socket, 'connect');
    socket.write('{"protocol":"anime-analytics-commands/2","id":"x","nonce":"y"}\n{"proof":"z"}\n');
    socket.resume();
    await once(socket, 'close');
    expect(member.peers.connected()).to.equal(0);
    expect(stranger.appends).to.have.length(0);
  });

  it('end a connection that sends what is no command', async () => {
    const member = await openMember();
    for (const text of ['not json\n', '[]\n[]\n', 'x'.repeat(2 ** 21)]) {
      const socket = connect(member.server.port, HOST);
      socket.on('error', () => undefined);
      socket.resume();
      socket.write(text);
      await new Promise((resolve) => void socket.once('close', resolve));
    }
  });

  it('go on alone beside an address that accepts and says nothing', async () => {
    const mute = createServer().listen(0, HOST);
    await once(mute, 'listening');
    const member = await openMember([(mute.address() as AddressInfo).port]);
    const anime = freshAnime();
    const result = await member.send(anime.list, { correlationId: 'list' });
    expect(result).to.include({ kind: 'accepted' });
    mute.close();
  });
});

describe('the owner of an anime', () => {
  const members = ['a', 'b', 'c', 'd'].map((id) => ({ id, seed: seedOf(id) }));
  const owners = (among: typeof members) =>
    Array.from({ length: 1000 }, (_, i) => ownerAmong(among, animeId(i + 1))?.id);

  it('is the same whoever asks, in whatever order the members are known', () => {
    expect(owners([...members].reverse())).to.deep.equal(owners(members));
  });

  it('is each member for about as many anime', () => {
    for (const { id } of members) {
      expect(owners(members).filter((owner) => owner === id).length).to.be.within(200, 300);
    }
  });

  it('changes with a member that leaves for the anime of that member alone', () => {
    const after = owners(members.slice(1));
    for (const [index, owner] of owners(members).entries()) {
      if (owner !== 'a') expect(after[index]).to.equal(owner);
    }
  });
});
