import { useState } from 'preact/hooks';
import {
  DEAD_LETTERS_QUERY,
  type DeadLetterNode,
  type Pipeline,
  type Rates,
  type ReadModelsState,
} from '../data/pipeline.js';
import { streamPath } from '../data/route.js';
import { useQuery } from '../data/use-query.js';
import { formats } from './formats.js';
import { Link } from './navigation.js';
import { Empty, Loaded, Panel } from './panel.js';
import { Badge, Copyable } from './small.js';

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

interface Connection {
  readonly edges: readonly { readonly node: DeadLetterNode; readonly cursor: string }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

/** What could not be applied, why, and the command that tries again. */
export const DeadLetters = ({ count }: { readonly count: number | null }) => {
  const [after, setAfter] = useState<string | null>(null);
  const asked = useQuery<{ pipeline: { deadLetters: Connection | null } | null }>(
    DEAD_LETTERS_QUERY,
    { after },
    { everyMs: 10_000 },
  );
  return (
    <Panel
      title={
        count === null || count === 0 ? 'Dead letters' : `Dead letters (${formats.count(count)})`
      }
    >
      <Loaded asked={asked} absent={ABSENT}>
        {({ pipeline }) => {
          if (pipeline?.deadLetters == null) return <Empty>{ABSENT}</Empty>;
          const { edges, pageInfo } = pipeline.deadLetters;
          if (edges.length === 0)
            return <Empty>None: every event that was read could be applied.</Empty>;
          return (
            <>
              <ul class="letters">
                {edges.map(({ node, cursor }) => (
                  <li key={cursor}>
                    <p>
                      <Where letter={node} /> <small>{formats.dateTime(node.time)}</small>
                    </p>
                    <p>
                      <strong>{node.reason}</strong>: {node.detail}
                    </p>
                    {node.replayCommand !== null && (
                      <Copyable text={node.replayCommand} label="replay command" />
                    )}
                  </li>
                ))}
              </ul>
              {pageInfo.hasNextPage && (
                <button type="button" onClick={() => setAfter(pageInfo.endCursor)}>
                  Older
                </button>
              )}
              {after !== null && (
                <button type="button" onClick={() => setAfter(null)}>
                  Newest
                </button>
              )}
            </>
          );
        }}
      </Loaded>
    </Panel>
  );
};

const ABSENT =
  'This process has no list of dead letters: `npx anime-analytics dead-letters list` has it.';

const Where = ({ letter: { stream, revision } }: { readonly letter: DeadLetterNode }) =>
  stream === null || revision === null ? (
    <>A record of no anime</>
  ) : (
    <Link to={streamPath(stream, revision)}>
      {stream} at revision {revision}
    </Link>
  );

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
