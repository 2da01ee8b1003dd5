import type { Pipeline, Rates } from '../data/pipeline.js';
import { formats } from './formats.js';

interface Step {
  readonly name: string;
  readonly about: string;
  /** What passes on from here, and how much of it. */
  readonly arrow?: { readonly name: string; readonly of: keyof Rates };
}

/** The data-flow picture of the README. */
const STEPS: readonly Step[] = [
  {
    name: 'Command API',
    about: 'decides, at an exact revision',
    arrow: { name: 'appended', of: 'commands' },
  },
  { name: 'Event store', about: 'one stream per anime', arrow: { name: '$all', of: 'published' } },
  {
    name: 'Bridge',
    about: 'in order, at least once',
    arrow: { name: 'published', of: 'published' },
  },
  { name: 'Bus', about: 'key = stream', arrow: { name: 'delivered', of: 'published' } },
  {
    name: 'Projector',
    about: 'exactly once, by revision',
    arrow: { name: 'documents', of: 'documents' },
  },
  { name: 'Read store', about: 'documents', arrow: { name: 'read', of: 'queries' } },
  { name: 'Query API', about: 'GraphQL' },
];

/** From commands to queries, with what passes each arrow per second. */
export const DataFlow = ({ pipeline }: { readonly pipeline: Pipeline }) => {
  const active = pipeline.readModels.find(({ state }) => state === 'active');
  const lags: Readonly<Record<string, number | null | undefined>> = {
    Bridge: pipeline.bridge?.lagEvents,
    Projector: active?.lagEvents,
  };
  return (
    <ol class="flow" aria-label="How data flows, with rates per second">
      {STEPS.map(({ name, about, arrow }) => {
        const lag = lags[name];
        return (
          <li key={name}>
            <div class="box">
              <strong>{name}</strong>
              <small>{about}</small>
              {lag !== undefined && lag !== null && (
                <small class={lag > 0 ? 'lagging' : undefined}>{formats.count(lag)} behind</small>
              )}
            </div>
            {arrow !== undefined && (
              <div class="arrow">
                <span class="number">{formats.rate(pipeline.rates[arrow.of])}</span>
                <small>{arrow.name}/s</small>
              </div>
            )}
          </li>
        );
      })}
    </ol>
  );
};
