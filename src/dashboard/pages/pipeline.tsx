import { useEffect, useState } from 'preact/hooks';
import { useLive } from '../data/live.js';
import {
  CONFIGURATION,
  type Counters,
  HISTORY,
  LIVE_PIPELINE,
  PIPELINE,
  type Pipeline,
  type Sample,
} from '../data/pipeline.js';
import { useQuery } from '../data/use-query.js';
import { TimeChart } from '../parts/charts.js';
import { DataFlow } from '../parts/data-flow.js';
import { DeadLetters } from '../parts/dead-letters.js';
import { formats, useNow } from '../parts/formats.js';
import { Empty, Loaded, Panel } from '../parts/panel.js';
import { Versions } from '../parts/versions.js';
import { Badge, LiveMark, Table, Tile } from '../parts/small.js';

const ABSENT =
  'This service does not report its pipeline. /health and /metrics of each process say the same in their way.';

export const PipelinePage = () => {
  const [pushed, setPushed] = useState<Pipeline | undefined>();
  const live = useLive<{ pipeline: Pipeline | null }>(LIVE_PIPELINE, {}, ({ pipeline }) => {
    if (pipeline !== null) setPushed(pipeline);
  });
  const asked = useQuery<{ pipeline: Pipeline | null }>(
    PIPELINE,
    {},
    {
      everyMs: live === 'open' ? 15_000 : 2000,
    },
  );
  useEffect(() => setPushed(undefined), [asked.data]);
  return (
    <>
      <h1>
        Pipeline <LiveMark state={live} />
      </h1>
      <Loaded asked={asked} absent={ABSENT}>
        {(data) => {
          const pipeline = pushed ?? data.pipeline;
          return pipeline === null ? <Empty>{ABSENT}</Empty> : <Sections pipeline={pipeline} />;
        }}
      </Loaded>
    </>
  );
};

const Sections = ({ pipeline }: { readonly pipeline: Pipeline }) => (
  <>
    <Process pipeline={pipeline} />
    <DataFlow pipeline={pipeline} />
    <div class="grid">
      <History />
      <BridgePanel pipeline={pipeline} />
      <CountersPanel counters={pipeline.counters} />
      <Partitions pipeline={pipeline} />
      <Versions readModels={pipeline.readModels} />
      <Parts pipeline={pipeline} />
      <DeadLetters count={pipeline.counters.deadLetters} />
      <Configuration />
    </div>
  </>
);

const Process = ({ pipeline }: { readonly pipeline: Pipeline }) => {
  const now = useNow();
  const uptime = (now - Date.parse(pipeline.startedAt)) / 1000;
  return (
    <p class="facts-line">
      <Badge state={pipeline.status} /> version {pipeline.version}, role {pipeline.role}, started{' '}
      {formats.dateTime(pipeline.startedAt)}, up for{' '}
      {formats.duration(Math.max(0, Math.round(uptime)))}
    </p>
  );
};

const History = () => {
  const asked = useQuery<{ pipeline: { history: readonly Sample[] } | null }>(
    HISTORY,
    {},
    {
      everyMs: 10_000,
    },
  );
  const samples = asked.data?.pipeline?.history ?? [];
  const times = samples.map(({ time }) => time);
  const of = (name: Exclude<keyof Sample, 'time'>) => samples.map((sample) => sample[name]);
  const { rate, count, duration, bytes } = formats;
  return (
    <>
      <Panel title="Throughput of the last hour, per second">
        <Loaded asked={asked} absent="This process keeps no history.">
          {() => (
            <TimeChart
              label="Throughput per second"
              times={times}
              series={[
                { name: 'Commands', colour: 1, values: of('commands'), format: rate },
                { name: 'Published', colour: 2, values: of('published'), format: rate },
                { name: 'Documents', colour: 3, values: of('documents'), format: rate },
              ]}
            />
          )}
        </Loaded>
      </Panel>
      <Panel title="Lag of the last hour, in events">
        <Loaded asked={asked} absent="This process keeps no history.">
          {() => (
            <TimeChart
              label="Lag"
              times={times}
              series={[
                { name: 'Events', colour: 4, values: of('lagEvents'), format: count },
                { name: 'Seconds', colour: 1, values: of('lagSeconds'), format: duration },
              ]}
            />
          )}
        </Loaded>
      </Panel>
      <Panel title="Memory of the last hour">
        <Loaded asked={asked} absent="This process keeps no history.">
          {() => (
            <TimeChart
              label="Memory"
              times={times}
              series={[{ name: 'Resident', colour: 2, values: of('memoryBytes'), format: bytes }]}
            />
          )}
        </Loaded>
      </Panel>
    </>
  );
};

const BridgePanel = ({ pipeline: { bridge } }: { readonly pipeline: Pipeline }) => (
  <Panel title="Bridge">
    {bridge === null ? (
      <Empty>No bridge runs in this process; its own /health and /metrics say how it is.</Empty>
    ) : (
      <dl class="facts">
        <div>
          <dt>State</dt>
          <dd>
            <Badge state={bridge.state} />
          </dd>
        </div>
        <div>
          <dt>Owner of the checkpoint</dt>
          <dd>{bridge.owner ?? '–'}</dd>
        </div>
        <div>
          <dt>Checkpoint</dt>
          <dd>{bridge.checkpoint ?? '–'}</dd>
        </div>
        <div>
          <dt>End of the log</dt>
          <dd>{bridge.head ?? '–'}</dd>
        </div>
        <div>
          <dt>Lag</dt>
          <dd>
            {formats.count(bridge.lagEvents)} events, {formats.duration(bridge.lagSeconds)}
          </dd>
        </div>
      </dl>
    )}
  </Panel>
);

const CountersPanel = ({ counters }: { readonly counters: Counters }) => (
  <Panel title="Since the start">
    <dl class="tiles small">
      <Tile name="Conflicts" value={formats.count(counters.conflicts)} />
      <Tile name="Duplicates" value={formats.count(counters.duplicates)} />
      <Tile name="Gaps healed" value={formats.count(counters.gaps)} />
      <Tile name="Dead letters" value={formats.count(counters.deadLetters)} />
      <Tile name="Errors" value={formats.count(counters.errors)} />
    </dl>
  </Panel>
);

const Partitions = ({ pipeline: { readModels } }: { readonly pipeline: Pipeline }) => {
  const rows = readModels.flatMap(({ name, partitions }) =>
    partitions.map((each) => ({ name, ...each })),
  );
  return (
    <Panel title="Partitions">
      {rows.length === 0 ? (
        <Empty>No projector with partitions runs in this process.</Empty>
      ) : (
        <Table label="Partitions" head={['Read models', '#Partition', '#Lag in events', '#Offset']}>
          {rows.map(({ name, partition, lagEvents, offset }) => (
            <tr key={`${name} ${partition}`}>
              <th scope="row">{name}</th>
              <td class="number">{partition}</td>
              <td class="number">{formats.count(lagEvents)}</td>
              <td class="number">{offset ?? '–'}</td>
            </tr>
          ))}
        </Table>
      )}
    </Panel>
  );
};

const Parts = ({ pipeline: { parts, servers } }: { readonly pipeline: Pipeline }) => (
  <Panel title="Parts and servers">
    <ul class="states">
      {parts.map(({ name, status, detail }) => (
        <li key={name}>
          <span>
            {name.replaceAll('-', ' ')}
            {detail !== null && <small> {detail}</small>}
          </span>{' '}
          <Badge state={status} />
        </li>
      ))}
      {servers.map(({ name, address, version, status }) => (
        <li key={`${name} ${address}`}>
          <span>
            {name} <small>{[address, version].filter(Boolean).join(', ')}</small>
          </span>{' '}
          <Badge state={status} />
        </li>
      ))}
    </ul>
  </Panel>
);

const Configuration = () => {
  const asked = useQuery<{ pipeline: { configuration: unknown } | null }>(CONFIGURATION);
  return (
    <Panel title="Configuration in effect" aside={<small>secrets are masked</small>}>
      <Loaded asked={asked} absent="This service does not show its configuration.">
        {({ pipeline }) =>
          pipeline?.configuration == null ? (
            <Empty>The configuration is shown with an API key only.</Empty>
          ) : (
            <pre class="short" tabIndex={0} aria-label="Configuration">
              {JSON.stringify(pipeline.configuration, null, 2)}
            </pre>
          )
        }
      </Loaded>
    </Panel>
  );
};
