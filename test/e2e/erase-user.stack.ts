import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { MongoClient } from 'mongodb';
import { startEmbeddedNode, type EmbeddedNode } from '../support/embedded-node.js';
import { eventually } from '../support/eventually.js';
import { query, send } from '../support/http-client.js';
import type { ServiceProcess } from '../support/service-process.js';
import { PARTS } from '../support/stack/compose-parts.js';
import { fourProcesses, type FourProcesses } from '../support/stack/four-processes.js';
import { openKafka } from '../support/stack/kafka.js';
import { openMongodb } from '../support/stack/mongodb.js';
import { orSkip } from '../support/stack/server.js';
import { stopAll } from '../support/stack/stop-all.js';
import { expectAuditClean, freshAnimeIds, list, statsOf } from '../support/stack/story.js';
import { documentsHeld, recordsHeld } from '../support/stack/traces.js';
import { filesWith, temporaryDirectory } from '../support/temporary-directory.js';

const ENCRYPT = {
  USER_ID_PROTECTION: 'encrypt',
  USER_ID_MASTER_KEY: randomBytes(32).toString('base64'),
};
const SPIKE = 'spike.spiegel@bebop.example';
const FAYE = 'faye.valentine@bebop.example';
const ED = 'ed@bebop.example';
const ANIME_IDS = freshAnimeIds(2);
const [CLICKED = 0, VIEWED = 0] = ANIME_IDS;
const WITHIN_30_S = { withinMs: 30_000, everyMs: 250 };

/** The forms in which somebody could have stored an id without protecting it. */
const formsOf = (id: string): readonly string[] => [
  id,
  encodeURIComponent(id),
  ...(['base64url', 'hex'] as const).flatMap((form) => [
    Buffer.from(id).toString(form),
    createHash('sha256').update(id).digest(form),
  ]),
];

interface KeyRow {
  readonly _id: string;
  readonly subject: string;
  readonly wrappedKey: string;
}

/** The steps build on each other: what one erased stays erased in the next. */
describe('erasing a user of the service in four processes, with a second command API', function () {
  this.timeout(180_000);
  let directory: Awaited<ReturnType<typeof temporaryDirectory>> | undefined;
  let node: EmbeddedNode | undefined;
  let stack: FourProcesses;
  let other: ServiceProcess;
  let keyRows: () => Promise<readonly KeyRow[]>;
  let closeKeys: (() => Promise<void>) | undefined;
  /** The key row of the erased user, as it was. */
  let erased: KeyRow;

  before(async function () {
    this.timeout(300_000);
    const kafka = await orSkip(this, 'kafka', openKafka);
    const mongodb = await orSkip(this, 'mongodb', openMongodb);
    directory = await temporaryDirectory();
    node = await startEmbeddedNode({ dataDir: directory.path });
    // The bridge and the projector have no key.
    const withKey = { ...ENCRYPT, MONGODB_URL: mongodb.address };
    stack = await fourProcesses(
      { eventStore: node.connectionString, kafka: kafka.address, mongodb: mongodb.address },
      { LOG_LEVEL: 'debug' },
      { 'command-api': withKey, 'query-api': withKey },
    );
    await stack.start();
    other = await stack.second('command-api');
    const client = new MongoClient(mongodb.address);
    closeKeys = () => client.close();
    const rows = client.db(stack.traces.database).collection<KeyRow>('user_keys');
    keyRows = () => rows.find().toArray();
  });
  after(async () => {
    await stopAll([stack, node]);
    await closeKeys?.();
    await directory?.remove();
  });

  const [first, second] = [() => stack.commandUrl(), () => other.commandUrl];

  const command = async (commandUrl: string, path: string, user: string, more: object = {}) => {
    const body = { anime_id: CLICKED, user_id: user, ...more };
    const headers = { 'idempotency-key': randomUUID() };
    const { status } = await send('POST', `${commandUrl}/${path}`, body, headers);
    expect(status).to.equal(201);
  };

  const erase = async (commandUrl: string, user: string): Promise<void> => {
    const answer = await send('DELETE', `${commandUrl}/users/${encodeURIComponent(user)}`);
    expect(answer).to.deep.include({ status: 200 });
    expect(answer.body).to.deep.include({ notErased: { events: 0, streams: [] } });
  };

  const clicksOf = async (user: string): Promise<number> => {
    const document = `query ($user: String!) {
      userInteractions(userId: $user) { edges { node { totalClicks } } }
    }`;
    const { userInteractions } = await query(stack.queryUrl(), document, { user });
    const { edges } = userInteractions as { edges: { node: { totalClicks: number } }[] };
    return edges.reduce((sum, { node: { totalClicks } }) => sum + totalClicks, 0);
  };

  const totals = async (): Promise<readonly unknown[]> => {
    const distribution = `query ($animeId: Int!) {
      ratingDistribution(animeId: $animeId) { buckets { stars count } }
      topAnimesByViews(limit: 5) { animeId totalViews }
    }`;
    const all = ANIME_IDS.map(async (animeId) => [
      await statsOf(stack.queryUrl(), animeId),
      await query(stack.queryUrl(), distribution, { animeId }),
    ]);
    return Promise.all(all);
  };

  const expectClicks = (clicks: number): Promise<void> =>
    eventually(async () => {
      expect(await statsOf(stack.queryUrl(), CLICKED)).to.include({ totalClicks: clicks });
    }, WITHIN_30_S);

  /** Where any of the texts is: in a record, a document, a file of the log, or what a process wrote. */
  const placesOf = async (texts: readonly string[]): Promise<readonly string[]> => {
    const held = [...(await recordsHeld(stack.traces)), ...(await documentsHeld(stack.traces))];
    const isThere = (bytes: Buffer) => texts.some((text) => bytes.includes(text));
    const written = [...PARTS.map((part) => stack.process(part)), other].map((process, index) => ({
      place: `process ${index}`,
      bytes: Buffer.from(process.output() + process.errors()),
    }));
    return [
      ...[...held, ...written].filter(({ bytes }) => isThere(bytes)).map(({ place }) => place),
      ...(await filesWith(directory?.path ?? '', ...texts)),
    ];
  };

  it('finds the user first, by a row in the key store that only the hash of the id leads to', async () => {
    await list(first(), ANIME_IDS);
    await command(first(), 'click', SPIKE);
    const [row = expect.fail('there is no key')] = await keyRows();
    erased = row;
    for (const [commandUrl, duration_seconds] of [
      [first(), 60],
      [second(), 30],
    ] as const) {
      for (const user of [SPIKE, FAYE, ED]) {
        await command(commandUrl, 'click', user);
        await command(commandUrl, 'view', user, { anime_id: VIEWED, duration_seconds });
        await command(commandUrl, 'rating', user, { rating: 5 + user.length / 10 });
      }
    }
    await expectClicks(7);
    expect(await clicksOf(SPIKE)).to.equal(3);
    expect(await keyRows()).to.have.lengthOf(3);
    const places = await placesOf([erased._id]);
    expect(new Set(places)).to.deep.equal(new Set([`${stack.traces.database}.user_keys`]));
    const named = (await recordsHeld(stack.traces)).filter(({ bytes }) =>
      bytes.includes(erased.subject),
    );
    expect(named).to.have.lengthOf(7);
  });

  it('leaves the id and its hash in no record, document, file or log line, and every total', async () => {
    const before = await totals();
    await erase(first(), SPIKE);
    expect(await clicksOf(SPIKE)).to.equal(0);
    expect([await clicksOf(FAYE), await clicksOf(ED)]).to.deep.equal([2, 2]);
    expect(await totals()).to.deep.equal(before);
    expect(await placesOf([...formsOf(SPIKE), erased._id, erased.wrappedKey])).to.deep.equal([]);
    expect(await placesOf([FAYE, ED])).to.deep.equal([]);
    expect((await keyRows()).map(({ subject }) => subject)).not.to.include(erased.subject);
    await expectAuditClean(stack);
  });

  for (const [name, commandUrl] of [
    ['second', second],
    ['first', first],
  ] as const) {
    it(`is honoured by the ${name} process, which has the key in memory`, async () => {
      const { totalClicks } = (await statsOf(stack.queryUrl(), CLICKED)) as { totalClicks: number };
      let sent = 0;
      // Within five seconds it may use the old subject, which nobody can tie to the user any more.
      await eventually(async () => {
        await command(commandUrl(), 'click', SPIKE);
        sent += 1;
        await expectClicks(totalClicks + sent);
        expect(await keyRows()).not.to.deep.include(erased);
        expect((await keyRows()).map(({ subject }) => subject)).not.to.include(erased.subject);
        expect(await clicksOf(SPIKE)).to.equal(1);
      }, WITHIN_30_S);
      const back = (await keyRows()).find(({ _id }) => _id === erased._id);
      expect(back?.subject).not.to.equal(erased.subject);
      erased = back ?? expect.fail('the user who came back has no key');
      // The other process keeps the new key in memory, too.
      for (const each of [first(), second()]) await command(each, 'click', SPIKE);
      await expectClicks(totalClicks + sent + 2);
      expect(await clicksOf(SPIKE)).to.equal(3);
      await erase(commandUrl(), SPIKE);
      expect(await clicksOf(SPIKE)).to.equal(0);
    });
  }

  it('holds for a rebuild from the log and a restart of every process', async () => {
    const before = await totals();
    const built = await stack.job('rebuild');
    expect(built.code, built.output + built.errors).to.equal(0);
    expect(await stack.job('rebuild', 'promote')).to.include({ output: 'v2 is active.\n' });
    expect(await stack.end(PARTS, 'SIGTERM')).to.deep.equal([0, 0, 0, 0]);
    await stack.start();
    await eventually(async () => expect(await totals()).to.deep.equal(before), WITHIN_30_S);
    expect([await clicksOf(SPIKE), await clicksOf(FAYE)]).to.deep.equal([0, 2]);
    await expectAuditClean(stack);
    expect(await placesOf([...formsOf(SPIKE), erased._id, erased.wrappedKey])).to.deep.equal([]);
  });
});
