import { expect } from 'chai';
import { startServiceProcess, type ServiceProcess } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const LIMIT = 3;

describe('the service behind one reverse proxy', function () {
  this.timeout(60_000);

  let service: ServiceProcess;
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;

  before(async () => {
    directory = await temporaryDirectory();
    service = await startServiceProcess({
      dataDir: directory.path,
      environment: { TRUST_PROXY: '1', RATE_LIMIT_PER_MINUTE: String(LIMIT) },
    });
  });
  after(async () => {
    await service.end('SIGTERM');
    await directory.remove();
  });

  /** As the proxy passes it on: it adds the address that the connection came from at the end. */
  const statusesFrom = async (url: string, ...forwarded: readonly string[]): Promise<number[]> => {
    const statuses: number[] = [];
    for (const address of forwarded) {
      const response = await fetch(url, { headers: { 'X-Forwarded-For': address } });
      await response.text();
      statuses.push(response.status);
    }
    return statuses;
  };
  const times = (count: number, address: string): string[] => Array<string>(count).fill(address);

  for (const [api, urlOf] of [
    ['command API', () => `${service.commandUrl}/openapi.json`],
    ['query API', () => `${new URL('/', service.queryUrl).href}graphql?query={__typename}`],
  ] as const) {
    it(`limits the rate of each client of the ${api}, and not that of the proxy`, async () => {
      const url = urlOf();
      for (const client of ['203.0.113.1', '203.0.113.2', '2001:db8::1']) {
        const statuses = await statusesFrom(url, ...times(LIMIT + 1, client));
        expect(statuses, client).to.deep.equal([...Array<number>(LIMIT).fill(200), 429]);
      }
    });

    it(`does not believe what a client of the ${api} says of its own address`, async () => {
      const claimed = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'];
      const forwarded = claimed.map((address) => `${address}, 203.0.113.9`);
      const statuses = await statusesFrom(urlOf(), ...forwarded);
      expect(statuses).to.deep.equal([...Array<number>(LIMIT).fill(200), 429]);
    });
  }
});
