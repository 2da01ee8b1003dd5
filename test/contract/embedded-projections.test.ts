import { openProjectionNode } from '../support/projection-node.js';
import { foreignProjections } from '../support/projections/targets.js';
import { projectionsContract } from './projections.features.js';

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
