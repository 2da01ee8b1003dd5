import { expect } from 'chai';
import { UnavailableError } from '../../src/ports/errors.js';
import type { Projections } from '../../src/ports/projections.js';
import { openProjectionNode, type ProjectionNode } from '../support/projection-node.js';
import { foreignProjections } from '../support/projections/targets.js';
import { rejectionOf } from '../support/rejection-of.js';
import { type OpenProjections, projectionsContract } from './projections.features.js';

projectionsContract('EventStoreDB adapter, embedded node', async () => {
  const node = await openProjectionNode();
  const opened = foreignProjections(node.connectionString);
  return {
    ...opened,
    close: async () => {
      await opened.close();
      await node.stop();
    },
  };
});

const definition = {
  name: 'counting',
  query: "fromCategory('film').when({ $any: (state) => state });",
  emit: false,
};

const CALLS: readonly [string, (projections: Projections) => Promise<unknown>][] = [
  ['list', (projections) => projections.list()],
  ['deploy', (projections) => projections.deploy(definition)],
  ['enable', (projections) => projections.enable(definition.name)],
  ['stateOf', (projections) => projections.stateOf(definition.name, '')],
];

describe('projections of an embedded node that is gone', function () {
  this.timeout(60_000);

  let node: ProjectionNode;
  let opened: OpenProjections;
  let isStopped: boolean;

  const stop = async (): Promise<void> => {
    isStopped = true;
    await node.stop();
  };

  beforeEach(async () => {
    node = await openProjectionNode();
    opened = foreignProjections(node.connectionString);
    isStopped = false;
    await opened.projections.deploy(definition);
  });

  afterEach(async () => {
    await opened.close();
    if (!isStopped) await stop();
  });

  for (const [name, call] of CALLS) {
    it(`PJ-8 ${name} is unavailable once the node was stopped`, async () => {
      await stop();
      expect(await rejectionOf(call(opened.projections))).to.be.instanceOf(UnavailableError);
    });

    it(`PJ-8 ${name} is unavailable once our side was closed`, async () => {
      const { projections } = opened;
      await opened.close();
      expect(await rejectionOf(call(projections))).to.be.instanceOf(UnavailableError);
    });
  }
});
