import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { expectHistoryKept, type CommandHistory } from '../support/command-history.js';
import { rejectionOf } from '../support/rejection-of.js';

type Outcome = CommandHistory['commands'][number]['outcome'];

const sent = (id: string, outcome: Outcome, revision?: string) => ({
  animeId: 1,
  correlationId: id,
  outcome,
  answer: { status: 0, headers: new Headers(), body: { revision } },
});

const stored = (id: string, revision: number, eventId = `event-${revision}`) => ({
  eventId,
  revision: String(revision),
  metadata: { $correlationId: id },
});

describe('the check of a history of commands', () => {
  let server: Server;
  let url: string;
  let stream: readonly unknown[];

  before(async () => {
    server = createServer(({ url: path = '' }, answer) => {
      const from = Number(new URL(path, url).searchParams.get('from'));
      answer.end(JSON.stringify({ events: stream.slice(from) }));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  const check = (commands: CommandHistory['commands'], events: readonly unknown[]) => {
    stream = events;
    const count = () => 0;
    const finish = () => Promise.resolve();
    return expectHistoryKept(url, { commands, count, finish, seed: 7 });
  };

  it('accepts a stream with what was acknowledged, and what is unknown or not', async () => {
    const commands = [
      sent('a', 'acknowledged', '1'),
      sent('b', 'unknown'),
      sent('c', 'unknown'),
      sent('d', 'rejected'),
      sent('e', 'unavailable'),
    ];
    await check(commands, [stored('list', 0), stored('a', 1), stored('b', 2)]);
  });

  for (const [what, commands, events] of [
    ['lost an acknowledged command', [sent('a', 'acknowledged', '0')], [stored('b', 0)]],
    ['has one twice', [sent('a', 'acknowledged', '0')], [stored('a', 0), stored('a', 1)]],
    ['has one elsewhere', [sent('a', 'acknowledged', '0')], [stored('b', 0), stored('a', 1)]],
    ['has a rejected command', [sent('a', 'rejected')], [stored('a', 0)]],
    ['has an unavailable command', [sent('a', 'unavailable')], [stored('a', 0)]],
    ['has an unknown command twice', [sent('a', 'unknown')], [stored('a', 0), stored('a', 1)]],
    ['has a hole', [sent('a', 'unknown')], [stored('b', 0), stored('b', 2)]],
    ['has an event id twice', [sent('a', 'unknown')], [stored('b', 0, 'x'), stored('c', 1, 'x')]],
  ] as const) {
    it(`refuses a stream that ${what}, and names the seed`, async () => {
      expect(String(await rejectionOf(check(commands, events)))).to.include('seed 7');
    });
  }
});
