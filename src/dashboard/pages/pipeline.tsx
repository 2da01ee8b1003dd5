import { useEffect, useState } from 'preact/hooks';
import { useLive } from '../data/live.js';
import {
  CONFIGURATION_QUERY,
  type Counters,
  HISTORY_QUERY,
  LIVE_PIPELINE,
  PIPELINE_QUERY,
  type Pipeline,
  type HistorySample,
} from '../data/pipeline.js';
import { useQuery } from '../data/use-query.js';
import { TimeChart } from '../parts/charts.js';
import { DataFlow, DeadLetters, Versions } from '../parts/pipeline.js';
import { formats, useNow } from '../parts/formats.js';
import { Empty, Loaded, Panel } from '../parts/panel.js';
import { Badge, LiveMark, Table, Tile } from '../parts/small.js';

const ABSENT =
  'This service does not report its pipeline. /health and /metrics of each process say the same in their way.';

export const PipelinePage = () => {
  const [pushed, setPushed] = useState<Pipeline | undefined>();
  const live = useLive(LIVE_PIPELINE, {}, ({ pipeline }) => {
    if (pipeline !== null) setPushed(pipeline);
  });
  const asked = useQuery<{ pipeline: Pipeline | null }>(
    PIPELINE_QUERY,
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

interface ChartOf {
  readonly title: string;
  readonly series: readonly {
    readonly name: string;
    readonly of: Exclude<keyof HistorySample, 'time'>;
    readonly colour: 1 | 2 | 3 | 4;
    readonly as: 'rate' | 'count' | 'duration' | 'bytes';
  }[];
}

/** Of the last hour. */
const CHARTS: readonly ChartOf[] = [
  {
    title: 'Throughput per second',
    series: [
      { name: 'Commands', of: 'commands', colour: 1, as: 'rate' },
      { name: 'Published', of: 'published', colour: 2, as: 'rate' },
      { name: 'Documents', of: 'documents', colour: 3, as: 'rate' },
    ],
  },
  {
    title: 'Lag in events',
    series: [{ name: 'Behind', of: 'lagEvents', colour: 4, as: 'count' }],
  },
  {
    title: 'Lag in time',
    series: [{ name: 'Behind', of: 'lagSeconds', colour: 4, as: 'duration' }],
  },
  {
    title: 'Memory of the process',
    series: [{ name: 'Resident', of: 'memoryBytes', colour: 2, as: 'bytes' }],
  },
];

const History = () => {
  const asked = useQuery<{ pipeline: { history: readonly HistorySample[] } | null }>(
    HISTORY_QUERY,
    {},
    { everyMs: 10_000 },
  );
  const samples = asked.data?.pipeline?.history ?? [];
  const { rate, count, duration, bytes } = formats;
  return CHARTS.map(({ title, series }) => (
    <Panel key={title} title={title}>
      <Loaded asked={asked} absent="This process keeps no history.">
        {() => (
          <TimeChart
            label={title}
            times={samples.map(({ time }) => time)}
            series={series.map(({ name, of, colour, as }) => ({
              name,
              colour,
              values: samples.map((sample) => sample[of]),
              format: { rate, count, duration, bytes }[as],
            }))}
          />
        )}
      </Loaded>
    </Panel>
  ));
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
    <dl class="tiles">
      <Tile name="Conflicts" value={formats.count(counters.conflicts)} />
      <Tile name="Duplicates" value={formats.count(counters.duplicates)} />
      <Tile name="Gaps healed" value={formats.count(counters.gaps)} />
      <Tile name="Dead letters" value={formats.count(counters.deadLetters)} />
      <Tile name="Alarms" value={formats.count(counters.alarms)} />
      <Tile name="Query errors" value={formats.count(counters.errors)} />
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
  const asked = useQuery<{ pipeline: { configuration: unknown } | null }>(CONFIGURATION_QUERY);
  return (
    <Panel title="Configuration in effect" aside={<small>secrets are masked</small>} wide>
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
