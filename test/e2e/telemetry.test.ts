import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { query, send } from '../support/http-client.js';
import {
  openOtlpReceiver,
  type OtlpReceiver,
  type ReceivedSpan,
} from '../support/otlp-receiver.js';
import { startServiceProcess, type ServiceProcess } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';
const HEADERS = { traceparent: `00-${TRACE_ID}-${CALLER}-01` };
const SOON = { OTEL_BSP_SCHEDULE_DELAY: '100', OTEL_METRIC_EXPORT_INTERVAL: '200' };

describe('a service with OTEL_EXPORTER_OTLP_ENDPOINT', function () {
  this.timeout(120_000);
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let receiver: OtlpReceiver;
  let service: ServiceProcess | undefined;

  const start = async (environment: NodeJS.ProcessEnv): Promise<ServiceProcess> => {
    const dataDir = join(directory.path, 'data');
    service = await startServiceProcess({ dataDir, environment });
    return service;
  };
  const list = ({ commandUrl }: ServiceProcess, headers = {}) =>
    send('PUT', `${commandUrl}/animes/1`, { title: 'Cowboy Bebop' }, headers);
  const click = ({ commandUrl }: ServiceProcess, headers = {}) =>
    send('POST', `${commandUrl}/click`, { anime_id: 1, user_id: 'user1' }, headers);
  const stats = ({ queryUrl }: ServiceProcess, revision: unknown) =>
    query(
      queryUrl,
      `{ animeStats(animeId: 1, minRevision: "${String(revision)}") { totalClicks } }`,
    );

  beforeEach(async () => {
    directory = await temporaryDirectory();
    receiver = await openOtlpReceiver();
  });
  afterEach(async () => {
    await service?.end('SIGKILL');
    receiver.close();
    await directory.remove();
  });

  it('exports one trace from the POST to the document, and names its id in the log', async () => {
    const running = await start({
      ...SOON,
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_SERVICE_NAME: 'statistics',
      LOG_LEVEL: 'debug',
    });
    await list(running);
    const { body } = await click(running, HEADERS);
    await stats(running, body['revision']);
    const ofTrace = () => receiver.spans().filter(({ traceId }) => traceId === TRACE_ID);
    const spanCalled = (name: string): ReceivedSpan =>
      ofTrace().find((span) => span.name === name) ?? expect.fail(`there is no span ${name}`);
    await eventually(() => {
      const request = spanCalled('POST /click');
      const command = spanCalled('RegisterClick');
      expect(request.parentSpanId).to.equal(CALLER);
      expect(command.parentSpanId).to.equal(request.spanId);
      // The event carries the command's span past the bridge, to the projector.
      expect(spanCalled('publish bus').parentSpanId).to.equal(command.spanId);
      expect(spanCalled('project v1').parentSpanId).to.equal(command.spanId);
    });
    expect(ofTrace()).to.have.length(4);
    expect(spanCalled('POST /click').service).to.equal('statistics');
    expect(running.errors()).to.match(new RegExp(`Request completed.*"trace_id":"${TRACE_ID}"`));
  });

  it('hands on the trace of a client that does not sample it, without a span of its own', async () => {
    const running = await start({
      ...SOON,
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      LOG_LEVEL: 'debug',
    });
    const traceparent = `00-${TRACE_ID}-${CALLER}-00`;
    const { body } = await list(running, { traceparent });
    await stats(running, body['revision']);
    const recorded = await send('GET', `${running.commandUrl}/animes/1/events`);
    const [event] = recorded.body['events'] as readonly { metadata: { traceparent: string } }[];
    expect(event?.metadata.traceparent).to.match(new RegExp(`^00-${TRACE_ID}-[0-9a-f]{16}-00$`));
    expect(running.errors()).to.match(new RegExp(`Request completed.*"trace_id":"${TRACE_ID}"`));
    await eventually(() => expect(receiver.spans()).to.not.be.empty);
    expect(receiver.spans().filter(({ traceId }) => traceId === TRACE_ID)).to.deep.equal([]);
  });

  it('continues the trace of a GraphQL client, and begins one where there is none', async () => {
    const running = await start({ ...SOON, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
    const ask = (headers = {}) => send('POST', running.queryUrl, { query: '{ genres }' }, headers);
    await ask(HEADERS);
    await ask();
    await eventually(() => {
      const requests = receiver.spans().filter(({ name }) => name === 'POST /graphql');
      expect(requests.map(({ parentSpanId }) => parentSpanId)).to.deep.equal([CALLER, '']);
      const [first, second] = requests;
      expect(second?.traceId).to.not.equal(first?.traceId);
      const operations = receiver.spans().filter(({ name }) => name === 'GraphQL');
      expect(operations.map(({ parentSpanId }) => parentSpanId)).to.deep.equal([
        first?.spanId,
        second?.spanId,
      ]);
    });
    expect(receiver.spans()[0]?.service).to.equal('anime-analytics');
  });

  it('exports the metrics of its ports too, also where the sampler takes no trace', async () => {
    const running = await start({
      ...SOON,
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_TRACES_SAMPLER: 'always_off',
    });
    await list(running);
    await click(running);
    await click(running);
    await eventually(() => {
      const metrics = receiver.metrics('anime-analytics/command-api');
      const commands = metrics.get('anime_analytics_commands_total')?.sum;
      expect(commands?.isMonotonic).to.equal(true);
      expect(commands?.dataPoints.map(({ asDouble }) => asDouble)).to.have.members([1, 2]);
      const requests = metrics.get('anime_analytics_http_request_duration_seconds');
      const clicks = requests?.histogram?.dataPoints.find(({ attributes = [] }) =>
        attributes.some(({ value }) => value.stringValue === '/click'),
      );
      expect(clicks?.count).to.equal(2);
      expect(clicks?.bucketCounts?.reduce((sum, each) => sum + each, 0)).to.equal(2);
      expect(clicks?.bucketCounts).to.have.length((clicks?.explicitBounds?.length ?? 0) + 1);
      expect(requests?.unit).to.equal('s');
      expect(metrics.get('anime_analytics_bridge_caught_up')?.gauge?.dataPoints).to.have.length(1);
    });
    const ofQueries = receiver.metrics('anime-analytics/query-api');
    expect([...ofQueries.keys()]).to.include('anime_analytics_read_models_bytes');
    expect(receiver.spans()).to.deep.equal([]);
  });

  it('exports what is left when it stops', async () => {
    const running = await start({
      OTEL_BSP_SCHEDULE_DELAY: '60000',
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    });
    await list(running, HEADERS);
    expect(receiver.spans()).to.deep.equal([]);
    expect(await running.end('SIGTERM')).to.equal(0);
    expect(receiver.spans().map(({ name }) => name)).to.include.members(['PUT /animes/:id']);
    expect([...receiver.metrics('anime-analytics/command-api').keys()]).to.include(
      'anime_analytics_commands_total',
    );
  });

  it('serves as ever, and stops in time, where nothing listens there', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const running = await start({ ...SOON, OTEL_EXPORTER_OTLP_ENDPOINT: url, LOG_LEVEL: 'warn' });
    const { status, body } = await list(running);
    expect(status).to.equal(201);
    await stats(running, body['revision']);
    await eventually(() => expect(running.errors()).to.contain('OpenTelemetry reports a problem'), {
      withinMs: 30_000,
    });
    const stoppedAt = performance.now();
    expect(await running.end('SIGTERM')).to.equal(0);
    expect(performance.now() - stoppedAt).to.be.lessThan(10_000);
    expect(running.errors().match(/OpenTelemetry reports/g)).to.have.length(1);
    expect(running.errors()).to.not.contain('Dependency unhealthy');
  });

  describe('that takes connections and never answers', () => {
    const sockets: Socket[] = [];
    let silent: Server;

    beforeEach(async () => {
      silent = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1');
      await once(silent, 'listening');
    });
    afterEach(() => {
      silent.close();
      for (const socket of sockets.splice(0)) socket.destroy();
    });

    it('serves as ever, and stops in time', async () => {
      const { port } = silent.address() as AddressInfo;
      const url = `http://127.0.0.1:${port}`;
      const running = await start({ ...SOON, OTEL_EXPORTER_OTLP_ENDPOINT: url });
      expect((await list(running)).status).to.equal(201);
      await eventually(() => expect(sockets).to.not.be.empty);
      expect((await click(running)).status).to.equal(201);
      const stoppedAt = performance.now();
      expect(await running.end('SIGTERM')).to.equal(0);
      expect(performance.now() - stoppedAt).to.be.lessThan(10_000);
    });
  });
});

describe('the SDK of OpenTelemetry', function () {
  this.timeout(120_000);

  /** The files of the SDK that a service loads between its start and its stop. */
  const loadedWith = async (environment: NodeJS.ProcessEnv): Promise<readonly string[]> => {
    const directory = await temporaryDirectory();
    try {
      const coverage = join(directory.path, 'coverage');
      const service = await startServiceProcess({
        dataDir: join(directory.path, 'data'),
        environment: { NODE_V8_COVERAGE: coverage, ...environment },
      });
      expect(await service.end('SIGTERM')).to.equal(0);
      const files = await Promise.all(
        (await readdir(coverage)).map((name) => readFile(join(coverage, name), 'utf8')),
      );
      const urls = files.flatMap((text) => text.match(/"url":"[^"]*"/g) ?? []);
      expect(urls.some((url) => url.includes('/@opentelemetry/api/'))).to.equal(true);
      return urls.filter((url) => /@opentelemetry\/(sdk|exporter|otlp|resources)/.test(url));
    } finally {
      await directory.remove();
    }
  };

  it('is not loaded where no variable asks for it', async () => {
    expect(await loadedWith({ OTEL_SERVICE_NAME: 'statistics' })).to.deep.equal([]);
  });

  it('is loaded where one does', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    expect(await loadedWith({ OTEL_EXPORTER_OTLP_ENDPOINT: url })).to.not.be.empty;
  });
});
