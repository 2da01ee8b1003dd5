import { parse } from 'csv-parse/sync';
import { posterAddress } from './poster.js';

type Row = Readonly<Record<string, string>>;

/** The catalogue with a poster in the last column of each title; every other cell as it was. */
export const withPosters = (catalogue: string): string => {
  const rows: Row[] = parse(catalogue, { columns: true });
  const names = Object.keys(rows[0] ?? {}).filter((name) => name !== 'image');
  const lines = rows.map((row) => [...names.map((name) => row[name] ?? ''), imageOf(row)]);
  return [[...names, 'image'], ...lines]
    .map((cells) => `${cells.map(quoted).join(',')}\n`)
    .join('');
};

const imageOf = (row: Row): string =>
  posterAddress({
    id: Number(row['myanimelist_id']),
    title: row['title'] ?? '',
    type: row['Type'] ?? '',
    episodes: row['Episodes'] === '' ? null : Number(row['Episodes']),
    genres: (row['Genres'] ?? '').split(', '),
  });

const quoted = (cell: string): string =>
  /[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
