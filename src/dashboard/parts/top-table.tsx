import type { Stats } from '../data/queries.js';
import { Sparkline } from './charts.js';
import { formats } from './formats.js';
import { Table, TitleLink } from './small.js';

interface TopTableProps {
  readonly label: string;
  readonly by: 'views' | 'rating';
  readonly stats: readonly Stats[];
  readonly sparkline: (animeId: number) => readonly number[] | undefined;
}

/** A list of the best, with the last 30 days of each beside it. */
export const TopTable = ({ label, by, stats, sparkline }: TopTableProps) => {
  const head =
    by === 'views' ? ['#Views', '#Clicks', '#Rating'] : ['#Rating', '#Ratings', '#Views'];
  return (
    <Table label={label} head={['Title', '30 days', ...head]}>
      {stats.map((each) => {
        const values = sparkline(each.animeId);
        const rating = <td class="number">{formats.decimal(each.averageRating, 2)}</td>;
        const views = <td class="number">{formats.compact(each.totalViews)}</td>;
        const what = by === 'views' ? 'Views' : 'Ratings';
        return (
          <tr key={each.animeId}>
            <th scope="row">
              <TitleLink id={each.animeId} title={each.title} />
            </th>
            <td class="trend">
              {values !== undefined && (
                <Sparkline
                  values={values}
                  label={`${what} per day, ${formats.count(values.at(-1))} today`}
                />
              )}
            </td>
            {by === 'views' ? views : rating}
            <td class="number">
              {formats.compact(by === 'views' ? each.totalClicks : each.totalRatings)}
            </td>
            {by === 'views' ? rating : views}
          </tr>
        );
      })}
    </Table>
  );
};
