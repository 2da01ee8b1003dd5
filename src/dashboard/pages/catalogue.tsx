import { useEffect, useState } from 'preact/hooks';
import { GENRES_QUERY, type SearchPage, SEARCH_QUERY } from '../data/queries.js';
import { withParameters } from '../data/route.js';
import { useQuery } from '../data/use-query.js';
import { formats } from '../parts/formats.js';
import { Link, searchTo } from '../parts/navigation.js';
import { Empty, Loaded } from '../parts/panel.js';
import { Poster, Table, TitleLink } from '../parts/small.js';

const PAGE_SIZE = 20;
const TYPES = ['TV', 'Movie', 'OVA', 'ONA', 'Special', 'Music'];
const ORDERS = ['popularity', 'score', 'title', 'views'];
const SCORES = ['9', '8', '7', '6', '5'];
const TYPING_MS = 250;

/** Everything that is chosen stands in the address. */
export const Catalogue = ({ search }: { readonly search: string }) => {
  const given = new URLSearchParams(search);
  const page = Math.max(1, Number(given.get('page')) || 1);
  const genre = given.get('genre');
  const minScore = Number(given.get('score'));
  const filters = {
    search: given.get('q') ?? '',
    type: given.get('type') ?? '',
    sortBy: given.get('sort') ?? 'popularity',
    ...(genre === null ? {} : { genres: [genre] }),
    ...(minScore > 0 ? { minScore } : {}),
  };
  const asked = useQuery<{ searchAnimes: SearchPage }>(
    SEARCH_QUERY,
    { page, pageSize: PAGE_SIZE, filters },
    { everyMs: 5000 },
  );
  return (
    <>
      <h1>Catalogue</h1>
      <Filters search={search} />
      <Loaded asked={asked} absent="This service does not serve the catalogue.">
        {({ searchAnimes: found }) =>
          found.total === 0 ? (
            <NoMatch search={search} />
          ) : (
            <Matches search={search} found={found} />
          )
        }
      </Loaded>
    </>
  );
};

const change = (search: string, changes: Readonly<Record<string, string | null>>): void =>
  searchTo(withParameters(search, { page: null, ...changes }), { replace: true });

const Filters = ({ search }: { readonly search: string }) => {
  const given = new URLSearchParams(search);
  const genres = useQuery<{ genres: readonly string[] }>(GENRES_QUERY).data?.genres ?? [];
  const [text, setText] = useState(given.get('q') ?? '');

  useEffect(() => {
    if (text === (given.get('q') ?? '')) return;
    const timer = setTimeout(() => change(location.search, { q: text }), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);

  return (
    <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
      <label>
        Title
        <input
          type="search"
          value={text}
          maxLength={200}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <Choice name="type" label="Type" all="any type" options={TYPES} search={search} />
      <Choice name="genre" label="Genre" all="any genre" options={genres} search={search} />
      <Choice name="score" label="Score from" all="any score" options={SCORES} search={search} />
      <Choice name="sort" label="Order" all={undefined} options={ORDERS} search={search} />
    </form>
  );
};

interface ChoiceProps {
  readonly name: string;
  readonly label: string;
  /** The option that filters nothing; without one, the first option stands for it. */
  readonly all: string | undefined;
  readonly options: readonly string[];
  readonly search: string;
}

const Choice = ({ name, label, all, options, search }: ChoiceProps) => {
  const chosen = new URLSearchParams(search).get(name) ?? '';
  // What the address says stays selected although it is not among the options, or not yet.
  const shown = chosen === '' || options.includes(chosen) ? options : [chosen, ...options];
  return (
    <label>
      {label}
      <select
        value={chosen === '' && all === undefined ? options[0] : chosen}
        onChange={(event) => change(search, { [name]: event.currentTarget.value })}
      >
        {all !== undefined && <option value="">{all}</option>}
        {shown.map((each) => (
          <option key={each} value={each}>
            {each}
          </option>
        ))}
      </select>
    </label>
  );
};

const NoMatch = ({ search }: { readonly search: string }) =>
  search === '' ? (
    <Empty>
      The catalogue is empty. Import one with <code>npx anime-analytics import-catalog FILE</code>;{' '}
      <code>data/sample-catalog.csv</code> is a small one.
    </Empty>
  ) : (
    <Empty>
      No title matches. <Link to="catalogue">Show all titles</Link>
    </Empty>
  );

const Matches = ({ search, found }: { readonly search: string; readonly found: SearchPage }) => {
  const first = (found.page - 1) * found.pageSize + 1;
  const to = (page: number): string =>
    `catalogue${withParameters(search, { page: page === 1 ? null : String(page) })}`;
  return (
    <>
      <p class="count" role="status">
        {found.items.length === 0
          ? 'There is nothing on this page.'
          : `${formats.count(first)} to ${formats.count(first + found.items.length - 1)} of ${formats.count(found.total)} titles`}
      </p>
      <div class="panel">
        <Table
          label="Titles"
          head={[
            'Title',
            'Type',
            'Genres',
            '#Episodes',
            '#Score',
            '#Rank',
            '#Clicks',
            '#Views',
            '#Ratings',
            '#Rating',
          ]}
        >
          {found.items.map((each) => (
            <tr key={each.myanimelistId}>
              <th scope="row">
                <div class="with-poster">
                  <Poster image={each.image} title={each.title} />
                  <TitleLink id={each.myanimelistId} title={each.title} />
                </div>
              </th>
              <td>{each.type ?? '–'}</td>
              <td class="long">{each.genres ?? '–'}</td>
              <td class="number">{formats.count(each.episodes)}</td>
              <td class="number">{formats.decimal(each.score, 2)}</td>
              <td class="number">{formats.count(each.popularity)}</td>
              <td class="number">{formats.compact(each.totalClicks)}</td>
              <td class="number">{formats.compact(each.totalViews)}</td>
              <td class="number">{formats.compact(each.totalRatings)}</td>
              <td class="number">{formats.decimal(each.averageRating, 2)}</td>
            </tr>
          ))}
        </Table>
      </div>
      <nav class="paging" aria-label="Pages of titles">
        {found.page > 1 && <Link to={to(found.page - 1)}>Previous</Link>}
        <span>Page {formats.count(found.page)}</span>
        {found.hasMore && <Link to={to(found.page + 1)}>Next</Link>}
      </nav>
    </>
  );
};
