import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import {
  temporaryProjections,
  type TemporaryProjections,
} from '../../support/embedded-projections.js';
import { textOf } from '../../support/event-log.js';
import { wholeLog } from '../../support/links.js';

const SCRIPT = fileURLToPath(new URL('../../support/project-until-killed.js', import.meta.url));
const KILLS = 3;

/** Kills the process once every projection has handled some events, at no particular moment. */
const projectAndKill = async (directory: string, afterEvents: number): Promise<void> => {
  const child = spawn(process.execPath, [SCRIPT, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  for await (const line of createInterface({ input: child.stdout })) {
    if (Number(line) >= afterEvents) child.kill('SIGKILL');
  }
  expect((await exited)[1]).to.equal('SIGKILL');
};

const expectExact = async (given: TemporaryProjections): Promise<void> => {
  const log = wholeLog(given.log());
  const events = log.filter(({ stream }) => stream.startsWith('film-'));
  const streams = new Map<string, number[]>();
  const users = new Map<string, string[]>();
  for (const event of events) {
    const { by } = JSON.parse(textOf(event)) as { readonly by: string };
    const numbers = streams.get(event.stream) ?? [];
    const links = users.get(by) ?? [];
    numbers.push(Number(event.revision));
    links.push(`${event.revision}@${event.stream}`);
    streams.set(event.stream, numbers);
    users.set(by, links);
  }
  for (const [stream, numbers] of streams) {
    const state = await given.state('each', stream);
    expect(state).to.deep.equal({ n: numbers.length, last: numbers.length - 1 });
    const seen = log.filter((event) => event.stream === `seen-${stream}`);
    expect(seen.map(textOf)).to.deep.equal(numbers.map((n) => `{"n":${n}}`));
  }
  for (const [user, links] of users) {
    expect(await given.state('users', user)).to.deep.equal({ n: links.length });
    const linked = log.filter((event) => event.stream === `of ${user}`);
    expect(linked.map(textOf)).to.deep.equal(links);
  }
};

describe('projections of the embedded event store when the process is killed', function () {
  this.timeout(240_000);

  let given: TemporaryProjections;

  before(async () => (given = await temporaryProjections()));
  after(() => given.remove());

  it('have exact states, and each effect once, after kill -9 at any moment', async () => {
    for (let kill = 1; kill <= KILLS; kill++) {
      await given.engine().close();
      await given.log().close();
      await projectAndKill(given.directory, 70 * kill);
      await given.restart();
      await given.caughtUp();
      await expectExact(given);
    }
  });
});
