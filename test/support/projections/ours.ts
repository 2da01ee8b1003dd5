import { projectionDefinitions } from '../../../src/compose/projections.js';
import { projectionEngine, type EngineOptions } from './engine.js';

/** An engine that runs our five projections. */
export const engineWithOurs = async (options: EngineOptions = {}) => {
  const definitions = await projectionDefinitions();
  const engine = projectionEngine(options);
  for (const definition of definitions) engine.create(definition);
  return engine;
};
