import { cpus, loadavg } from 'node:os';

export type Cell = string | number;

/** Prints rows under a header, numbers to the right. */
export const printTable = (header: readonly string[], rows: readonly (readonly Cell[])[]): void => {
  const lines = [header, ...rows.map((row) => row.map(shown))];
  const widths = header.map((_, column) =>
    Math.max(...lines.map((line) => (line[column] ?? '').length)),
  );
  for (const [index, line] of lines.entries()) {
    const cells = line.map((cell, column) => {
      const width = widths[column] ?? 0;
      const isNumber = typeof rows[Math.max(0, index - 1)]?.[column] === 'number';
      return isNumber ? cell.padStart(width) : cell.padEnd(width);
    });
    console.log(`| ${cells.join(' | ')} |`);
    if (index === 0) console.log(`|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`);
  }
};

const shown = (cell: Cell): string => {
  if (typeof cell === 'string') return cell;
  if (Number.isInteger(cell)) return cell.toLocaleString('en');
  return Math.abs(cell) >= 100 ? Math.round(cell).toLocaleString('en') : cell.toPrecision(3);
};

/** One line for machines, with what the numbers were measured on. */
export const printJson = (benchmark: string, result: Readonly<Record<string, unknown>>): void => {
  console.log(
    JSON.stringify({ benchmark, node: process.version, cores: cpus().length, ...result }),
  );
};

/** What else runs on this machine is in every number: say so before measuring. */
export const printHost = (): void => {
  const [load = 0] = loadavg();
  const cores = cpus().length;
  console.log(`Node ${process.version}, ${cores} cores, load average ${load.toFixed(2)}.`);
  if (load > cores * 0.25) {
    console.log('This machine is busy: trust ratios within a round, not absolute numbers.');
  }
};
