import { expect } from 'chai';
import { readFile } from 'node:fs/promises';
import { openProjectionNode, type ProjectionNode } from '../../support/projection-node.js';
import { askProjections } from './projections/asking.js';
import {
  PROJECTION_DIFFERENCES,
  withoutPositions,
  withProjectionDifferences,
} from './projections/differences.js';

const SERVER_ANSWERS = 'test/api/grpc/projections/eventstoredb-23.10.7.txt';

describe('the recorded projections of EventStoreDB 23.10.7', () => {
  let node: ProjectionNode;
  let server: string[];
  let ours: string[];

  before(async function () {
    this.timeout(60_000);
    node = await openProjectionNode();
    const lines = (await readFile(SERVER_ANSWERS, 'utf8')).trimEnd().split('\n');
    server = lines.filter((line) => !line.startsWith('# '));
    ours = await askProjections(node.client);
  });
  after(() => node.stop());

  it('have the same states, results, emitted events and faults as ours, except for the listed differences', () => {
    expect(ours.map(withoutPositions).join('\n')).to.equal(
      server.map(withProjectionDifferences).join('\n'),
    );
  });

  it('differ from ours wherever a difference is listed', () => {
    for (const { lines, theirs, reason } of PROJECTION_DIFFERENCES) {
      const listed = server.filter((line) => lines.test(line));
      expect(listed, reason).not.to.have.length(0);
      for (const line of listed) {
        const same = ours.find((each) => each === line);
        expect(line, reason).to.match(theirs);
        expect(same, reason).to.equal(undefined);
      }
    }
  });
});
