interface ChartSeries {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
}

export interface ChartOptions {
  readonly title: string;
  readonly xLabel: string;
  readonly series: readonly ChartSeries[];
}

const WIDTH = 900;
const HEIGHT = 420;
const MARGIN = { top: 40, right: 110, bottom: 44, left: 56 };
const COLOURS = ['#c0392b', '#2471a3', '#1e8449', '#9a7d0a', '#6c3483'];
/** More points than pixels only make the file larger. */
const MAX_POINTS = 400;

/** Lines over a common x, as an SVG document. Both axes begin at 0. */
export const lineChart = ({ title, xLabel, series }: ChartOptions): string => {
  const points = series.flatMap((one) => one.points);
  const xStep = stepFor(Math.max(...points.map(([x]) => x)));
  const yStep = stepFor(Math.max(...points.map(([, y]) => y)));
  const xMax = Math.max(...points.map(([x]) => x));
  const yMax = Math.ceil(Math.max(...points.map(([, y]) => y)) / yStep) * yStep;
  const bottom = HEIGHT - MARGIN.bottom;
  const right = WIDTH - MARGIN.right;
  const x = (value: number) => round(MARGIN.left + (value / xMax) * (right - MARGIN.left));
  const y = (value: number) => round(bottom - (value / yMax) * (bottom - MARGIN.top));

  const rows = ticks(yMax, yStep).map(
    (value) =>
      `<path d="M${MARGIN.left} ${y(value)}H${right}" stroke="#ddd"/>` +
      text(MARGIN.left - 6, y(value) + 4, String(value), 'end'),
  );
  const columns = ticks(xMax, xStep).map((value) =>
    text(x(value), bottom + 18, String(value), 'middle'),
  );
  const lines = series.map(({ name, points: own }, index) => {
    const colour = COLOURS[index % COLOURS.length] ?? '#000';
    const path = thinned(own).map(([at, value]) => `${x(at)},${y(value)}`);
    const end = own.at(-1)?.[1] ?? 0;
    return (
      `<polyline fill="none" stroke="${colour}" stroke-width="1.5" points="${path.join(' ')}"/>` +
      text(right + 6, y(end) + 4, name, 'start', colour)
    );
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(MARGIN.left, 22, title, 'start', '#000'),
    text(right, HEIGHT - 8, xLabel, 'end'),
    ...rows,
    ...columns,
    ...lines,
    '</svg>\n',
  ].join('\n');
};

const text = (x: number, y: number, content: string, anchor: string, colour = '#555'): string =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="${colour}">${content}</text>`;

const round = (value: number): number => Math.round(value * 10) / 10;

/** 1, 2 or 5 times a power of ten, so that there are four to ten ticks. */
const stepFor = (max: number): number => {
  const power = 10 ** Math.floor(Math.log10(Math.max(max, 1e-9)));
  return [0.1, 0.2, 0.5, 1].map((part) => part * power).find((step) => max / step <= 10) ?? power;
};

const ticks = (max: number, step: number): number[] =>
  Array.from({ length: Math.floor(max / step + 1e-9) + 1 }, (_, index) =>
    Number((index * step).toPrecision(6)),
  );

const thinned = <T>(points: readonly T[]): readonly T[] => {
  const every = Math.ceil(points.length / MAX_POINTS);
  return points.filter((_, index) => index % every === 0);
};
