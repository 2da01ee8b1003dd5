import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import type { ActivityPoint } from '../data/queries.js';
import { formats } from './formats.js';
import { onThemeChange } from './theme.js';

/** The course of a few numbers, without axes. */
export const Sparkline = ({
  values,
  label,
}: {
  readonly values: readonly number[];
  readonly label: string;
}) => {
  const highest = Math.max(1, ...values);
  const step = 100 / Math.max(1, values.length - 1);
  const points = values.map(
    (each, at) => `${(at * step).toFixed(1)},${(22 - (each / highest) * 20).toFixed(1)}`,
  );
  return (
    <svg
      class="sparkline"
      viewBox="0 0 100 24"
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <polyline points={points.join(' ')} vector-effect="non-scaling-stroke" />
    </svg>
  );
};

/** One bar per name, with its number. */
export const Bars = ({
  bars,
}: {
  readonly bars: readonly { readonly name: string; readonly value: number }[];
}) => {
  const highest = Math.max(1, ...bars.map(({ value }) => value));
  return (
    <dl class="bars">
      {bars.map(({ name, value }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
              <rect width={(value / highest) * 100} height="10" />
            </svg>
            <span>{formats.count(value)}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
};

interface Series {
  readonly name: string;
  /** Its colour: the number of a --series variable. */
  readonly colour: 1 | 2 | 3 | 4;
  readonly values: readonly (number | null)[];
  readonly format: (value: number | null | undefined) => string;
}

interface TimeChartProps {
  readonly label: string;
  /** ISO times or UTC days, oldest first. */
  readonly times: readonly string[];
  readonly series: readonly Series[];
  readonly days?: boolean;
}

const HEIGHT = 190;
/** A span of so many seconds needs more than minutes under it. */
const SHORT_SPAN = 300;
/** Between ticks of what is counted: half an event is none. */
const WHOLE_STEPS = Array.from({ length: 13 }, (_, power) =>
  [1, 2, 5].map((step) => step * 10 ** power),
).flat();

/** Numbers over time; the same numbers are there as a table. */
export const TimeChart = ({ label, times, series, days = false }: TimeChartProps) => {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>(undefined);
  const names = series.map(({ name }) => name).join();
  const data: uPlot.AlignedData = [
    times.map((each) => Date.parse(days ? `${each}T00:00:00Z` : each) / 1000),
    ...series.map(({ values }) => [...values]),
  ];

  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const make = (): void => {
      chart.current?.destroy();
      chart.current = new uPlot(optionsOf(element, series, days), data, element);
    };
    make();
    const resizes = new ResizeObserver(() =>
      chart.current?.setSize({ width: element.clientWidth, height: HEIGHT }),
    );
    resizes.observe(element);
    const forget = onThemeChange(make);
    return () => {
      forget();
      resizes.disconnect();
      chart.current?.destroy();
      chart.current = undefined;
    };
  }, [names, days]);

  useEffect(() => chart.current?.setData(data), [times, series]);

  return (
    <figure class="chart">
      <div class="plot" ref={place} role="img" aria-label={`${label}: ${summaryOf(series)}`} />
      <ChartTable label={label} times={times} series={series} days={days} />
    </figure>
  );
};

/** Rendered once it is opened: it may have hundreds of rows. */
const ChartTable = ({ label, times, series, days = false }: TimeChartProps) => {
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        As a table<span class="hidden">: {label}</span>
      </summary>
      {open && (
        <div class="scroll short" tabIndex={0} role="group" aria-label={`${label}, as a table`}>
          <table>
            <thead>
              <tr>
                <th scope="col">{days ? 'Day' : 'Time'}</th>
                {series.map(({ name }) => (
                  <th key={name} scope="col" class="number">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {times
                .map((time, at) => (
                  <tr key={time}>
                    <th scope="row">{days ? formats.day(time) : formats.time(time)}</th>
                    {series.map(({ name, values, format }) => (
                      <td key={name} class="number">
                        {format(values[at])}
                      </td>
                    ))}
                  </tr>
                ))
                .reverse()}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
};

const summaryOf = (series: readonly Series[]): string =>
  series.map(({ name, values, format }) => `${name} now ${format(values.at(-1))}`).join(', ');

const optionsOf = (
  element: HTMLElement,
  series: readonly Series[],
  days: boolean,
): uPlot.Options => {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour('--faint'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
  };
  return {
    width: Math.max(200, element.clientWidth),
    height: HEIGHT,
    padding: [8, 8, 0, 0],
    // Days are of UTC, wherever the browser is.
    ...(days ? { tzDate: (seconds: number) => uPlot.tzDate(new Date(seconds * 1000), 'UTC') } : {}),
    scales: {
      x: { time: true },
      y: { range: (_chart, _low, high) => [0, Math.max(1, high * 1.1)] },
    },
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    legend: { live: true },
    axes: [
      {
        ...axis,
        size: 28,
        space: 70,
        values: (chart, ticks) =>
          ticks.map((each) => {
            const iso = new Date(each * 1000).toISOString();
            if (days) return formats.day(iso.slice(0, 10));
            const span = (chart.scales['x']?.max ?? 0) - (chart.scales['x']?.min ?? 0);
            return span < SHORT_SPAN
              ? formats.time(iso)
              : formats.time(iso).replace(/(\d\d:\d\d):\d\d/, '$1');
          }),
      },
      {
        ...axis,
        size: 52,
        ...(days || series[0]?.format === formats.count ? { incrs: WHOLE_STEPS } : {}),
        values: (_chart, ticks) =>
          ticks.map((each) => (series[0]?.format ?? formats.compact)(each)),
      },
    ],
    series: [
      {
        label: days ? 'Day' : 'Time',
        value: (chart, given: number | null) => {
          const at = given ?? chart.data[0].at(-1);
          if (at === undefined) return '–';
          const iso = new Date(at * 1000).toISOString();
          return days ? formats.day(iso.slice(0, 10)) : formats.time(iso);
        },
      },
      ...series.map(({ name, colour: number, format }): uPlot.Series => ({
        label: name,
        stroke: colour(`--series-${number}`),
        width: 1.5,
        points: { show: false },
        // Without a cursor the newest.
        value: (chart, value: number | null, at) => format(value ?? chart.data[at]?.at(-1)),
      })),
    ],
  };
};

export const ActivityChart = ({
  label,
  points,
}: {
  readonly label: string;
  readonly points: readonly ActivityPoint[];
}) => (
  <TimeChart
    label={label}
    days
    times={points.map(({ day }) => day)}
    series={[
      {
        name: 'Clicks',
        colour: 1,
        values: points.map(({ clicks }) => clicks),
        format: formats.compact,
      },
      {
        name: 'Views',
        colour: 2,
        values: points.map(({ views }) => views),
        format: formats.compact,
      },
      {
        name: 'Ratings',
        colour: 3,
        values: points.map(({ ratings }) => ratings),
        format: formats.compact,
      },
    ]}
  />
);
