import { expect } from 'chai';
import { send } from '../support/http-client.js';
import { startServiceProcess, type ServiceProcess } from '../support/service-process.js';
import { storedEvents } from '../support/stored-events.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** Clicks until the service refuses connections; resolves with the ids of what was acknowledged. */
const clickUntilRefused = async (url: string, user: string): Promise<string[]> => {
  const acknowledged: string[] = [];
  for (let count = 0; count < 100_000; count++) {
    try {
      const { status, body } = await send('POST', `${url}/click`, { anime_id: 1, user_id: user });
      if (status === 201) acknowledged.push(String(body['eventId']));
    } catch {
      return acknowledged;
    }
  }
  return expect.fail('the service never stopped');
};

describe('a service that is stopped under load', function () {
  this.timeout(120_000);
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let service: ServiceProcess | undefined;

  beforeEach(async () => {
    directory = await temporaryDirectory();
    service = undefined;
  });

  afterEach(async () => {
    await service?.end('SIGKILL');
    await directory.remove();
  });

  const start = async (): Promise<ServiceProcess> => {
    service = await startServiceProcess({ dataDir: directory.path });
    return service;
  };

  const stopUnderLoad = async (signal: NodeJS.Signals) => {
    const before = await start();
    await send('PUT', `${before.commandUrl}/animes/1`, { title: 'Cowboy Bebop' });
    const clients = Array.from({ length: 8 }, (_, index) =>
      clickUntilRefused(before.commandUrl, `user-${index}`),
    );
    for (let count = 0; count < 50; count++) {
      await send('POST', `${before.commandUrl}/click`, { anime_id: 1, user_id: 'pace' });
    }
    const code = await before.end(signal);
    const acknowledged = (await Promise.all(clients)).flat();
    expect(acknowledged).not.to.deep.equal([]);
    const stored = await storedEvents((await start()).commandUrl, 1);
    return { code, acknowledged, stored: stored.map(({ eventId }) => eventId) };
  };

  for (const [signal, exitCode] of [
    ['SIGTERM', 0],
    ['SIGINT', 0],
    ['SIGKILL', null],
  ] as const) {
    it(`has each acknowledged event once after ${signal}, and exits with ${exitCode}`, async () => {
      const { code, acknowledged, stored } = await stopUnderLoad(signal);
      expect(code).to.equal(exitCode);
      expect(stored).to.include.members(acknowledged);
      expect(new Set(stored).size).to.equal(stored.length);
    });
  }
});
