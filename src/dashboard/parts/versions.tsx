import type { ReadModelsState } from '../data/pipeline.js';
import { formats } from './formats.js';
import { Empty, Panel } from './panel.js';
import { Badge, Copyable } from './small.js';

/** The versions of the read models, how far each is, and the commands that switch between them. */
export const Versions = ({ readModels }: { readonly readModels: readonly ReadModelsState[] }) => (
  <Panel title="Versions of the read models">
    {readModels.length === 0 ? (
      <Empty>There is no version yet: the projector creates the first one.</Empty>
    ) : (
      <ul class="letters">
        {readModels.map(({ name, state, lagEvents, lagSeconds, progress }) => (
          <li key={name}>
            <p>
              <strong>{name}</strong> <Badge state={state} />{' '}
              <small>
                {formats.count(lagEvents)} events, {formats.duration(lagSeconds)} behind
              </small>
            </p>
            {progress !== null && progress < 1 && (
              <p>
                <progress value={progress} max={1} aria-label={`Progress of ${name}`} />{' '}
                {formats.percent(progress)}
              </p>
            )}
            {commandFor(name, state)}
          </li>
        ))}
      </ul>
    )}
  </Panel>
);

const commandFor = (name: string, state: string) => {
  switch (state) {
    case 'ready':
      return (
        <Copyable label="promote command" text={`npx anime-analytics rebuild promote ${name}`} />
      );
    case 'old':
      return <Copyable label="rollback command" text="npx anime-analytics rebuild rollback" />;
    default:
      return null;
  }
};
