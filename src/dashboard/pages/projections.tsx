import { useState } from 'preact/hooks';
import { type Projection, PROJECTION_STATE_QUERY, PROJECTIONS_QUERY } from '../data/queries.js';
import { withParameters } from '../data/route.js';
import { useQuery } from '../data/use-query.js';
import { formats } from '../parts/formats.js';
import { searchTo } from '../parts/navigation.js';
import { Empty, Loaded, Panel } from '../parts/panel.js';
import { Badge, Copyable, Table } from '../parts/small.js';

const NO_ENGINE = 'This process can ask no projection engine.';
const NO_STATES =
  'This service does not show states: it is off in production unless switched on, and needs a process with an event store.';
const DEPLOY = 'npx anime-analytics projections deploy';

export const Projections = ({ search }: { readonly search: string }) => {
  const asked = useQuery<{ projections: readonly Projection[] | null }>(
    PROJECTIONS_QUERY,
    {},
    { everyMs: 2000 },
  );
  return (
    <>
      <h1>Projections</h1>
      <Loaded asked={asked} absent={NO_ENGINE}>
        {({ projections }) =>
          projections === null ? (
            <Empty>{NO_ENGINE}</Empty>
          ) : (
            <>
              <List projections={projections} />
              <States projections={projections} search={search} />
            </>
          )
        }
      </Loaded>
    </>
  );
};

const isOwn = ({ name }: Projection): boolean => !name.startsWith('$');

const List = ({ projections }: { readonly projections: readonly Projection[] }) => (
  <Panel title="Running on the event store" wide>
    {!projections.some(isOwn) && (
      <div>
        <p>None is deployed. PROJECTIONS=on deploys those of this service, as does:</p>
        <Copyable text={DEPLOY} label="deploy command" />
      </div>
    )}
    <Table label="Projections" head={['Name', 'Condition', '#Read', 'At']}>
      {[...projections.filter(isOwn), ...projections.filter((each) => !isOwn(each))].map(
        ({ name, condition, reason, progress, position }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>
              <Badge state={condition} /> {reason !== null && <small>{reason}</small>}
            </td>
            <td class="number">{formats.percent(progress)}</td>
            <td>{position ?? 'the beginning'}</td>
          </tr>
        ),
      )}
    </Table>
  </Panel>
);

/** Looks up a state; what is looked up is in the address. */
const States = ({
  projections,
  search,
}: {
  readonly projections: readonly Projection[];
  readonly search: string;
}) => {
  const given = new URLSearchParams(search);
  const name = given.get('name');
  const partition = given.get('partition') ?? '';
  const names = projections.filter(isOwn).map((each) => each.name);
  const [chosen, choose] = useState(name ?? names[0] ?? '');
  const [written, write] = useState(partition);
  return (
    <Panel title="State" wide>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault();
          searchTo(withParameters(search, { name: chosen, partition: written }));
        }}
      >
        <label>
          Projection
          <select value={chosen} onChange={(event) => choose(event.currentTarget.value)}>
            {names.map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>
        <label>
          Partition
          <input
            value={written}
            placeholder="anime-1"
            spellcheck={false}
            onInput={(event) => write(event.currentTarget.value)}
          />
        </label>
        <button type="submit">Look up</button>
      </form>
      {name === null || name === '' ? (
        <Empty>A projection without partitions has its only state in the empty one.</Empty>
      ) : (
        <State name={name} partition={partition} />
      )}
    </Panel>
  );
};

const State = ({ name, partition }: { readonly name: string; readonly partition: string }) => {
  const asked = useQuery<{ projectionState: unknown }>(
    PROJECTION_STATE_QUERY,
    { name, partition },
    { everyMs: 2000 },
  );
  return (
    <Loaded asked={asked} absent={NO_STATES}>
      {({ projectionState }) =>
        projectionState === null ? (
          <Empty>
            {name} has no state for {partition === '' ? 'the empty partition' : partition}.
          </Empty>
        ) : (
          <pre class="short" tabIndex={0} aria-label="State">
            {JSON.stringify(projectionState, null, 2)}
          </pre>
        )
      }
    </Loaded>
  );
};
