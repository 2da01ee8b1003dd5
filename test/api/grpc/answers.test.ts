import { expect } from 'chai';
import { readFile } from 'node:fs/promises';
import { connect, openGrpcNode, type GrpcNode } from '../../support/grpc-node.js';
import { appending } from './answers/appending.js';
import { createAsking, failure, written, type Asking, type Question } from './answers/asking.js';
import { deleting } from './answers/deleting.js';
import { DIFFERENCES } from './answers/differences.js';
import { filtering } from './answers/filtering.js';
import { linking } from './answers/linking.js';
import { metadata, reading } from './answers/reading.js';
import { subscribing } from './answers/subscribing.js';

const SERVER_ANSWERS = 'test/api/grpc/answers/eventstoredb-23.10.7.txt';

/** In order: later questions read what earlier ones wrote. */
const CHAPTERS: readonly ((asking: Asking) => Question[])[] = [
  appending,
  reading,
  metadata,
  deleting,
  linking,
  filtering,
  subscribing,
];

/** The client closes its connection after some errors, so each chapter has its own client. */
const answersOf = async (port: number): Promise<string[]> => {
  const answers: string[] = [];
  for (const chapter of CHAPTERS) {
    const client = connect(port);
    for (const [name, ask] of chapter(createAsking(client))) {
      answers.push(written(name, await ask().catch(failure)));
    }
    await client.dispose();
  }
  return answers;
};

const withDifferences = (lines: readonly string[]): string[] =>
  lines.map((line) => {
    const difference = DIFFERENCES.find(({ question }) => line.startsWith(`${question}: `));
    return difference === undefined ? line : `${difference.question}: ${difference.ours}`;
  });

describe('the recorded responses of EventStoreDB 23.10.7', () => {
  let node: GrpcNode;
  let server: string[];

  before(async () => {
    node = await openGrpcNode();
    const lines = (await readFile(SERVER_ANSWERS, 'utf8')).trimEnd().split('\n');
    server = lines.filter((line) => !line.startsWith('# '));
  });
  after(() => node.stop());

  it('are the same as ours, except for the listed differences', async () => {
    const answers = await answersOf(node.server.port);
    expect(answers.join('\n')).to.equal(withDifferences(server).join('\n'));
  }).timeout(60_000);

  it('differ from ours wherever a difference is listed', () => {
    for (const { question, ours, reason } of DIFFERENCES) {
      const asked = server.filter((line) => line.startsWith(`${question}: `));
      expect(asked, question).to.have.length(1);
      expect(asked, reason).not.to.include(`${question}: ${ours}`);
    }
  });
});
