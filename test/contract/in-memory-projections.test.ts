import { projectionEngine } from '../support/projections/engine.js';
import { inMemoryProjections } from '../support/projections/in-memory.js';
import { projectionsContract } from './projections.features.js';

projectionsContract('in memory', () => {
  const engine = projectionEngine();
  const projections = inMemoryProjections(engine);
  return Promise.resolve({
    projections,
    another: () => projections,
    append: (streamId, eventType) => {
      engine.append({ streamId, eventType, data: '{}', isJson: true });
      return Promise.resolve();
    },
    disable: (name) => {
      engine.disable(name);
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  });
});
