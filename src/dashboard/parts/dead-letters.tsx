import { useState } from 'preact/hooks';
import { DEAD_LETTERS_QUERY, type DeadLetterNode } from '../data/pipeline.js';
import { streamPath } from '../data/route.js';
import { useQuery } from '../data/use-query.js';
import { formats } from './formats.js';
import { Link } from './navigation.js';
import { Empty, Loaded, Panel } from './panel.js';
import { Copyable } from './small.js';

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
