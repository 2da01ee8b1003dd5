import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { expect } from 'chai';
import { runCommandLine } from '../support/command-line.js';
import { eventually } from '../support/eventually.js';
import { send } from '../support/http-client.js';
import { startServiceProcess, type ServiceProcess } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const CLICK = { anime_id: 1, user_id: 'user123' };
const STREAM = 'anime-1';

const originOf = (url: string): string => new URL(url).origin;

describe('an event of another program in the stream of an anime', function () {
  this.timeout(120_000);
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let service: ServiceProcess | undefined;

  beforeEach(async () => {
    directory = await temporaryDirectory();
  });
  afterEach(async () => {
    await service?.end('SIGKILL');
    await directory.remove();
  });

  const job = (...args: string[]) =>
    runCommandLine(args, { DATA_DIR: directory.path, NODE_ENV: 'test' });

  it('is reported in responses, health, metrics and dead letters until it is ignored', async () => {
    service = await startServiceProcess({ dataDir: directory.path });
    const { commandUrl, queryUrl, eventStoreUrl } = service;
    await send('PUT', `${commandUrl}/animes/1`, { title: 'One' });
    await send('PUT', `${commandUrl}/animes/2`, { title: 'Two' });
    const client = EventStoreDBClient.connectionString(eventStoreUrl);
    await client.appendToStream(STREAM, jsonEvent({ type: 'AnimeAwarded', data: { by: 'us' } }));
    await client.dispose();

    const refused = await send('POST', `${commandUrl}/click`, CLICK);
    expect(refused.status).to.equal(503);
    expect(refused.body).to.include({
      type: 'urn:problem-type:stream-unreadable',
      detail:
        'Event 1 of anime-1 (AnimeAwarded) cannot be read: unknown type. An operator must act; nothing was recorded.',
      stream: STREAM,
      revision: '1',
      eventType: 'AnimeAwarded',
    });
    expect(await send('POST', `${commandUrl}/click`, { ...CLICK, anime_id: 2 })).to.include({
      status: 201,
    });

    const remedy =
      'Upgrade if a newer version of this service wrote it. To go on without it: anime-analytics dead-letters ignore anime-1 1';
    for (const url of [commandUrl, originOf(queryUrl)]) {
      const health = await eventually(async () => {
        const answer = await send('GET', `${url}/health`);
        expect(answer.body['problems']).to.include.keys('commands-refused', 'events-not-counted');
        return answer;
      });
      expect(health.status).to.equal(200);
      expect(health.body).to.include({ status: 'degraded' });
      expect(health.body['problems'])
        .to.have.property('commands-refused')
        .that.deep.equals({
          count: 1,
          streams: [
            {
              stream: STREAM,
              detail: 'Event 1 of anime-1 (AnimeAwarded) cannot be read: unknown type.',
              remedy,
            },
          ],
        });
      expect(health.body['problems'])
        .to.have.nested.property('events-not-counted.streams[0].detail')
        .that.equals('Event 1 of anime-1 cannot be read and is not counted.');
      expect((await send('GET', `${url}/ready`)).status).to.equal(200);
    }
    const metrics = await (await fetch(`${commandUrl}/metrics`)).text();
    expect(metrics).to.match(/streams_refused\S* 1\n/);
    expect(metrics).to.match(/anime_with_unreadable_events\{\S*version="v1"\S*\} 1\n/);

    expect(await service.end('SIGTERM')).to.equal(0);
    const listed = await job('dead-letters', 'list');
    expect(listed.output).to.match(
      /^open {5}\S+ {2}anime-1@1 {2}AnimeAwarded: unknown type\n {9}(.*)\n1 dead letters, 1 open\.\n$/,
    );
    expect(listed.output).to.contain(remedy);

    service = await startServiceProcess({ dataDir: directory.path });
    const health = await send('GET', `${originOf(service.queryUrl)}/health`);
    expect(health.body['problems']).to.have.property('events-not-counted');

    const beside = (...args: string[]) => job('dead-letters', 'ignore', ...args);
    expect(await beside(STREAM, '0')).to.include({
      code: 1,
      output: 'anime-1: no unreadable event at revision 0.\n',
    });
    expect(await beside('snapshot-anime-1', '0')).to.include({
      code: 2,
      errors: 'snapshot-anime-1 is not the stream of an anime.\n',
    });
    expect(await beside(STREAM, '1', '--reason', 'An experiment.')).to.include({
      code: 0,
      output: 'anime-1: ignored from now on: 1. Recorded in event 2.\n',
    });
    const click = await send('POST', `${service.commandUrl}/click`, CLICK);
    expect(click.body).to.include({ revision: '3' });
    const url = originOf(service.queryUrl);
    await eventually(async () => {
      const { body } = await send('GET', `${url}/health`);
      expect(body).to.include({ status: 'healthy' }).and.to.not.have.property('problems');
    });
    expect(await service.end('SIGTERM')).to.equal(0);
    expect((await job('dead-letters', 'list')).output).to.match(/^settled .*\n1 .* 0 open\.\n$/);
    expect((await job('audit')).code).to.equal(0);
  });
});
