import { expect } from 'chai';
import { openEventStream, type EventStream } from '../support/event-stream.js';
import { eventually } from '../support/eventually.js';
import { query, send } from '../support/http-client.js';
import { startServiceProcess, type ServiceProcess } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const PIPELINE = `{ pipeline {
  status role uptimeSeconds version startedAt
  parts { name status } servers { name address version status }
  bridge { state owner checkpoint head lagEvents }
  readModels { name state lagEvents progress partitions { partition lagEvents } }
  rates { commands published documents queries }
  counters { conflicts duplicates gaps deadLetters alarms errors }
  deadLetters { edges { cursor } } history { memoryBytes } configuration
} }`;

describe('live queries of the service', function () {
  this.timeout(120_000);
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let service: ServiceProcess;
  const streams: EventStream[] = [];

  beforeEach(async () => {
    directory = await temporaryDirectory();
    service = await startServiceProcess({
      dataDir: directory.path,
      environment: { KAFKA_PASSWORD: 'a-secret-of-ours' },
    });
    await send('PUT', `${service.commandUrl}/animes/1`, { title: 'Cowboy Bebop' });
  });

  afterEach(async () => {
    for (const stream of streams.splice(0)) stream.leave();
    await service.end('SIGKILL');
    await directory.remove();
  });

  const subscribe = async (document: string): Promise<EventStream> => {
    const address = new URL('graphql/stream', service.queryUrl);
    address.searchParams.set('query', document);
    const stream = await openEventStream(address.href);
    streams.push(stream);
    return stream;
  };

  const click = () =>
    send('POST', `${service.commandUrl}/click`, { anime_id: 1, user_id: 'spike' });

  it('show a click within a second of its command, in counters and in events', async () => {
    const counters = await subscribe('subscription { animeStats(animeId: 1) { totalClicks } }');
    const events = await subscribe('subscription { events { type animeId } }');
    await eventually(async () => {
      expect((await counters.data(1)).at(-1)).to.deep.equal({ animeStats: { totalClicks: 0 } });
    });
    // An id comes as soon as the log is followed.
    await eventually(() => expect(events.text()).to.include(':\n'));
    await click();
    const within = { withinMs: 1_000 };
    await eventually(async () => {
      const received = await counters.data(2);
      expect(received.at(-1)).to.deep.equal({ animeStats: { totalClicks: 1 } });
    }, within);
    await eventually(() => expect(events.text()).to.include('ClickRegistered'), within);
  });

  it('end at once when the service stops, and do not hold it up', async () => {
    const stream = await subscribe('subscription { pipeline { status } }');
    await stream.data(1);
    const startedAt = performance.now();
    expect(await service.end('SIGINT')).to.equal(0);
    expect(performance.now() - startedAt).to.be.below(5_000);
    await eventually(() => expect(stream.hasEnded()).to.equal(true));
  });

  it('know what the process knows of its pipeline, without its secrets', async () => {
    await click();
    const pipeline = await eventually(async () => {
      const found = (await query(service.queryUrl, PIPELINE))['pipeline'] as Pipeline;
      expect(found.readModels).to.have.nested.property('[0].lagEvents', 0);
      expect(found.history.length).to.be.at.least(1);
      return found;
    });
    expect(pipeline.status).to.equal('healthy');
    expect(pipeline.servers.map(({ name, address }) => `${name} ${address}`)).to.deep.equal([
      ...['Event store embedded', 'Bus embedded', 'Read store embedded'],
    ]);
    expect(pipeline.bridge.state).to.equal('publishing');
    expect(Number(pipeline.bridge.head)).to.be.at.least(2);
    expect(pipeline.readModels[0]).to.deep.include({ name: 'v1', state: 'active', progress: 1 });
    expect(pipeline.rates.commands).to.be.above(0);
    expect(pipeline.deadLetters.edges).to.deep.equal([]);
    expect(pipeline.configuration['KAFKA_PASSWORD']).to.equal('***');
    expect(JSON.stringify(pipeline)).not.to.include('a-secret-of-ours');
  });
});

interface Pipeline {
  readonly status: string;
  readonly servers: readonly { readonly name: string; readonly address: string }[];
  readonly bridge: { readonly state: string; readonly head: string };
  readonly readModels: readonly object[];
  readonly rates: { readonly commands: number };
  readonly history: readonly object[];
  readonly deadLetters: { readonly edges: readonly object[] };
  readonly configuration: Readonly<Record<string, string>>;
}
