import { PortError } from '../../../src/ports/errors.js';
import type { JsonValue } from '../../../src/ports/json.js';
import type { ProjectionDefinition, Projections } from '../../../src/ports/projections.js';
import type { EngineModel } from './engine.js';

/** The projections port straight over an engine, which runs to its end before it is asked. */
export const inMemoryProjections = (engine: EngineModel): Projections => {
  const deployed = new Map<string, ProjectionDefinition>();
  const condition = (name: string) =>
    engine.statuses().find((status) => status.name === name)?.condition;
  const isLast = ({ name, query, emit }: ProjectionDefinition) => {
    const last = deployed.get(name);
    return last?.query === query && last.emit === emit;
  };

  return {
    list: () => {
      engine.run();
      const inOneLine = (reason: string): string => reason.split('\n', 1)[0] ?? '';
      return Promise.resolve(
        engine.statuses().map((each) => ({ ...each, reason: inOneLine(each.reason) })),
      );
    },
    deploy: (definition) => {
      const { name } = definition;
      engine.run();
      const known = isLast(definition) ? kept(condition(name)) : 'updated';
      const outcome = engine.has(name) ? known : 'created';
      try {
        if (outcome === 'created') engine.create(definition);
        if (outcome === 'updated') {
          engine.update(definition);
          engine.reset(name);
        }
      } catch (cause) {
        const refused = new PortError('NOT_SUPPORTED', 'The text cannot be run.', false, { cause });
        return Promise.reject(refused);
      }
      deployed.set(name, definition);
      if (condition(name) !== 'running') engine.enable(name);
      return Promise.resolve(outcome);
    },
    enable: (name) => {
      engine.enable(name);
      return Promise.resolve();
    },
    stateOf: (name, partition) => {
      engine.run();
      return Promise.resolve(engine.stateOf(name, partition) as JsonValue);
    },
  };
};

const kept = (condition: string | undefined) =>
  condition === 'running' ? 'unchanged' : 'restarted';
