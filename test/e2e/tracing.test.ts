import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { send } from '../support/http-client.js';
import { startServiceProcess, type ServiceProcess } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const SDK = new URL('../support/tracing-sdk.js', import.meta.url);
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
/** Of everything that the SDK of the test traces. */
const SDK_SPAN_ID = '00000000000000a1';
const HEADERS = { traceparent: `00-${TRACE_ID}-b7ad6b7169203331-01` };

describe('a service with a tracing SDK', function () {
  this.timeout(120_000);
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let service: ServiceProcess | undefined;

  before(async () => (directory = await temporaryDirectory()));
  after(async () => {
    await service?.end('SIGKILL');
    await directory.remove();
  });

  it('stores its own span, within the trace of the caller, with the event', async () => {
    service = await startServiceProcess({
      dataDir: directory.path,
      environment: { NODE_OPTIONS: `--import=${SDK.href}` },
    });
    await send('PUT', `${service.commandUrl}/animes/1`, { title: 'Cowboy Bebop' }, HEADERS);
    const { body } = await send('GET', `${service.commandUrl}/animes/1/events`);
    const [event] = body['events'] as readonly { metadata: { traceparent: string } }[];
    expect(event?.metadata.traceparent).to.equal(`00-${TRACE_ID}-${SDK_SPAN_ID}-01`);
  });
});

describe('the tracing API that the service depends on', () => {
  it('is a version range shared by both lines of the SDK', async () => {
    const manifest = JSON.parse(await readFile('package.json', 'utf8')) as {
      readonly dependencies: Readonly<Record<string, string>>;
      readonly overrides: Readonly<Record<string, unknown>>;
    };
    // SDK 2.x runs on every Node that we do and takes an API below 1.10; SDK 3.x needs Node 22 and
    // takes 1.10 alone. The lower one is installed: it works with the SDK of a newer API too.
    expect(manifest.dependencies['@opentelemetry/api']).to.equal('>=1.9.1 <1.11.0');
    // The SDK asks for an API below 1.10: without these, npm refuses to install SDK 3.x beside it.
    const parts = Object.entries(manifest.dependencies).filter(
      ([name]) => name.startsWith('@opentelemetry/') && name !== '@opentelemetry/api',
    );
    expect(parts).not.to.deep.equal([]);
    for (const [name, version] of parts) {
      expect(manifest.overrides[`${name}@${version}`], name).to.deep.equal({
        '@opentelemetry/api': '$@opentelemetry/api',
      });
    }
  });
});
