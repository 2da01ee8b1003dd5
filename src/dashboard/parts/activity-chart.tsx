import type { ActivityPoint } from '../data/queries.js';
import { TimeChart } from './charts.js';
import { formats } from './formats.js';

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
