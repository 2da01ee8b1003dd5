/** What a poster shows of a title. */
export interface PosterSubject {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly episodes: number | null;
  readonly genres: readonly string[];
}

/** Numbers from 0 to below 1 that are the same for the same seed: a poster never changes by itself. */
const randomOf = (seed: number) => {
  let state = Math.imul(seed, 2654435761) >>> 0;
  return (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

interface Brush {
  /** A whole number from `low` to below `high`. */
  readonly pick: (low: number, high: number) => number;
  /** A colour of the poster's family: degrees away from its hue, saturation and lightness in per cent. */
  readonly colour: (turn: number, saturation: number, lightness: number) => string;
}

const hex = (hue: number, saturation: number, lightness: number): string => {
  const [s, l] = [saturation / 100, lightness / 100];
  const channel = (offset: number): string => {
    const k = (offset + hue / 30) % 12;
    const value = l - s * Math.min(l, 1 - l) * Math.max(-1, Math.min(k - 3, 9 - k, 1));
    return Math.round(value * 15).toString(16);
  };
  return `#${channel(0)}${channel(8)}${channel(4)}`;
};

const times = (count: number, draw: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => draw(index)).join('');

const circle = (x: number, y: number, r: number, fill: string): string =>
  `<circle cx='${x}' cy='${y}' r='${r}' fill='${fill}'/>`;

const shape = (fill: string, d: string): string => `<path fill='${fill}' d='${d}'/>`;

const line = (colour: string, width: number, d: string): string =>
  `<path fill='none' stroke='${colour}' stroke-width='${width}' stroke-linecap='round' d='${d}'/>`;

const stars = ({ pick }: Brush): string =>
  line(
    '#fffc',
    2,
    times(14, () => `M${pick(6, 194)} ${pick(6, 150)}h0`),
  );

const ridge = ({ pick }: Brush, fill: string, low: number, high: number): string =>
  shape(
    fill,
    `M0 300V${pick(low, high)}${times(5, (i) => `L${i * 40 + 20} ${pick(low - (i % 2) * 40, high)}`)}L200 ${low}V300z`,
  );

const waves = ({ pick, colour }: Brush): string =>
  times(4, (i) => {
    const y = 150 + i * 24;
    return shape(
      colour(20, 55, 52 - i * 10),
      `M0 ${y}q25-${pick(8, 24)} 50 0t50 0 50 0 50 0V300H0z`,
    );
  });

interface Motif {
  /** In degrees, give or take 25. */
  readonly hue: number;
  readonly draw: (brush: Brush) => string;
}

/** A picture per genre, the rarest first: what sets a title apart is what its poster shows. */
const MOTIFS: Readonly<Record<string, Motif>> = {
  Sports: {
    hue: 20,
    draw: ({ pick, colour }) => {
      const [x, y, r] = [pick(85, 140), pick(70, 100), pick(38, 50)];
      return (
        times(3, (i) =>
          line(colour(0, 60, 35), 5, `M0 ${225 - i * 22}L${x - 40} ${y + 60 - i * 22}`),
        ) +
        circle(x, y, r, colour(15, 85, 62)) +
        line(
          colour(0, 60, 30),
          3,
          `M${x - r} ${y}h${2 * r}M${x} ${y - r}v${2 * r}M${x - r + 12} ${y - r + 14}q${r} ${r - 14} 0 ${2 * r - 28}M${x + r - 12} ${y - r + 14}q-${r} ${r - 14} 0 ${2 * r - 28}`,
        )
      );
    },
  },
  'Avant Garde': {
    hue: 350,
    draw: ({ pick, colour }) =>
      circle(pick(60, 90), pick(70, 90), 48, colour(0, 80, 55)) +
      shape(colour(190, 60, 50), `M${pick(90, 110)} 40L190 180H${pick(40, 70)}z`) +
      shape(colour(60, 85, 60), `M20 ${pick(130, 150)}h${pick(60, 90)}v50H20z`) +
      line('#fff', 3, `M${pick(10, 40)} 20L${pick(150, 190)} 190`),
  },
  'Slice of Life': {
    hue: 95,
    draw: ({ pick, colour }) =>
      circle(pick(40, 160), pick(50, 80), 24, '#ffd') +
      shape(colour(0, 40, 55), `M0 150Q${pick(30, 80)} ${pick(90, 120)} 120 150T200 140V300H0z`) +
      shape(colour(20, 45, 42), `M0 180Q90 ${pick(120, 160)} 200 190V300H0z`) +
      line(
        '#334',
        2,
        `M${pick(30, 60)} 190V80M140 195V${pick(80, 100)}M0 92Q40 104 46 90T140 96 200 90`,
      ),
  },
  Horror: {
    hue: 0,
    draw: (brush) => {
      const [x, y] = [brush.pick(60, 140), brush.pick(65, 95)];
      return (
        circle(x, y, 46, brush.colour(0, 75, 45)) +
        circle(x - 8, y - 6, 38, brush.colour(12, 80, 55)) +
        shape(
          '#100',
          `M0 300V170${times(10, (i) => `L${i * 20 + 10} ${brush.pick(85, 165)}L${i * 20 + 20} 190`)}V300z`,
        )
      );
    },
  },
  Mystery: {
    hue: 260,
    draw: ({ pick, colour }) => {
      const y = pick(80, 100);
      return (
        times(4, (i) => circle(100, y + 10, 95 - i * 19, colour(i * 8, 45, 26 + i * 9))) +
        shape(
          '#112',
          `M100 ${y - 22}a20 20 0 0 1 11 37l${pick(6, 14)} 44H${pick(76, 84)}l8-44a20 20 0 0 1 5-37z`,
        )
      );
    },
  },
  Romance: {
    hue: 335,
    draw: ({ pick, colour }) =>
      times(7, (i) => {
        const place = `translate(${pick(20, 180)} ${pick(30, 180)})rotate(${pick(-35, 35)})scale(${(7 - i) / 2})`;
        return `<path transform='${place}' fill='${colour(i * 6, 80, 45 + i * 5)}' d='M0 12C-20-4-9-20 0-8C9-20 20-4 0 12z'/>`;
      }),
  },
  'Sci-Fi': {
    hue: 215,
    draw: (brush) => {
      const { pick, colour } = brush;
      const [x, y, r] = [pick(70, 130), pick(80, 120), pick(32, 52)];
      return (
        stars(brush) +
        circle(x, y, r, colour(pick(120, 220), 65, 60)) +
        circle(x - 8, y - 8, r - 12, '#fff3') +
        `<ellipse transform='rotate(${pick(-30, 30)} ${x} ${y})' cx='${x}' cy='${y}' rx='${r + 30}' ry='10' fill='none' stroke='${colour(60, 80, 75)}' stroke-width='4'/>` +
        circle(pick(14, 60), pick(150, 190), pick(5, 12), colour(40, 60, 70))
      );
    },
  },
  Supernatural: {
    hue: 175,
    draw: (brush) =>
      stars(brush) +
      times(5, (i) => {
        const [x, y, r] = [brush.pick(25, 175), brush.pick(40, 180), 22 - i * 3];
        return (
          circle(x, y, r * 2, '#fff2') +
          circle(x, y, r, brush.colour(i * 14, 70, 65)) +
          circle(x, y, r / 2, '#fffb')
        );
      }),
  },
  Suspense: {
    hue: 355,
    draw: ({ pick, colour }) => {
      const [x, y] = [pick(60, 140), pick(80, 120)];
      return (
        times(6, (i) => circle(x, y, 108 - i * 18, i % 2 ? colour(0, 70, 42) : '#111')) +
        shape('#fff', `M${x - 60} ${y}q60-${pick(34, 50)} 120 0q-60 ${pick(34, 50)}-120 0z`) +
        circle(x, y, 15, '#111')
      );
    },
  },
  Comedy: {
    hue: 45,
    draw: ({ pick, colour }) =>
      times(12, (i) => {
        const [x, y] = [pick(15, 185), pick(15, 185)];
        const fill = colour(i * 47, 80, 55);
        return i % 2
          ? circle(x, y, pick(6, 20), fill)
          : shape(fill, `M${x} ${y}l${pick(14, 30)} ${pick(4, 12)}-${pick(6, 20)} 22z`);
      }),
  },
  Fantasy: {
    hue: 280,
    draw: (brush) => {
      const x = brush.pick(40, 160);
      return (
        stars(brush) +
        circle(x, brush.pick(50, 75), 26, brush.colour(130, 80, 82)) +
        ridge(brush, brush.colour(20, 40, 45), 120, 150) +
        ridge(brush, brush.colour(10, 45, 32), 150, 180) +
        ridge(brush, brush.colour(0, 50, 20), 180, 205)
      );
    },
  },
  Drama: {
    hue: 225,
    draw: ({ pick, colour }) =>
      circle(100, 170, pick(62, 80), colour(180, 85, 70)) +
      shape(colour(0, 45, 28), 'M0 170h200v130H0z') +
      line(
        colour(180, 80, 75),
        3,
        times(5, (i) => `M${pick(50, 90) - i * 4} ${178 + i * 9}h${pick(20, 70)}`),
      ) +
      line(
        '#fff8',
        2,
        times(9, () => `M${pick(10, 190)} ${pick(10, 120)}l-5 22`),
      ),
  },
  Adventure: {
    hue: 195,
    draw: (brush) => circle(brush.pick(50, 150), brush.pick(70, 110), 36, '#fd8') + waves(brush),
  },
  Action: {
    hue: 10,
    draw: ({ pick, colour }) => {
      const [x, y] = [pick(60, 140), pick(80, 120)];
      const ray = (i: number): string => {
        const [from, to] = [(i * Math.PI) / 7, (i * Math.PI) / 7 + 0.14 + pick(0, 12) / 100];
        const at = (angle: number): string =>
          `${Math.round(x + 260 * Math.cos(angle))} ${Math.round(y + 260 * Math.sin(angle))}`;
        return `M${x} ${y}L${at(from)} ${at(to)}z`;
      };
      return shape(colour(30, 90, 60), times(14, ray)) + circle(x, y, pick(22, 34), '#fff');
    },
  },
};

/** For genres that none was drawn for. */
const NO_MOTIF: Motif = { hue: 200, draw: stars };

const WIDTH = 172;
/** How wide a bold letter is, of its height, in the sans-serif fonts that browsers fall back to. */
const LETTER = 0.62;

/** Symbols are twice as wide. */
const widthOf = (text: string, size: number): number =>
  (text.length + (text.match(/[^\p{L}\p{P}\d ]/gu)?.length ?? 0)) * size * LETTER;

const wrap = (title: string, size: number): string[] => {
  return title.split(' ').reduce<string[]>((lines, word) => {
    const last = lines.at(-1);
    const longer = last === undefined ? word : `${last} ${word}`;
    if (last === undefined || widthOf(longer, size) > WIDTH) return [...lines, word];
    return [...lines.slice(0, -1), longer];
  }, []);
};

const fits = (lines: readonly string[], size: number): boolean =>
  lines.length <= 3 && lines.every((each) => widthOf(each, size) <= WIDTH);

const escape = (text: string): string =>
  text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);

/** A poster as SVG: a picture of one of the title's two rarest genres, and below it what it is called. */
export const drawPoster = ({ id, title, type, episodes, genres }: PosterSubject): string => {
  const random = randomOf(id);
  const [rarest = NO_MOTIF, second = rarest] = Object.entries(MOTIFS)
    .filter(([genre]) => genres.includes(genre))
    .map(([, motif]) => motif);
  const motif = random() < 0.5 ? rarest : second;
  const hue = (motif.hue + random() * 50 + 335) % 360;
  const brush: Brush = {
    pick: (low, high) => low + Math.floor(random() * (high - low)),
    colour: (turn, saturation, lightness) => hex((hue + turn) % 360, saturation, lightness),
  };
  const size = [24, 20, 17, 15].find((each) => fits(wrap(title, each), each)) ?? 13;
  const lines = wrap(title, size);
  const top = 262 - (lines.length - 1) * size * 1.15;
  const kind = episodes === null || episodes === 1 ? type : `${type} · ${episodes}`;
  return [
    `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 200 300' role='img'><title>${escape(title)}</title>`,
    `<linearGradient id='g' x2='0' y2='1'><stop stop-color='${brush.colour(0, 55, 22)}'/><stop offset='.7' stop-color='${brush.colour(35, 60, 58)}'/></linearGradient>`,
    shape('url(#g)', 'M0 0h200v300H0z'),
    motif.draw(brush),
    shape('#000b', `M0 ${Math.round(top - size - 8)}h200v300H0z`),
    `<g fill='#fff' font-family='sans-serif'><text y='${Math.round(top)}' font-size='${size}' font-weight='700'>`,
    lines
      .map((each, i) => `<tspan x='14'${i > 0 ? " dy='1.15em'" : ''}>${escape(each)}</tspan>`)
      .join(''),
    `</text><text x='14' y='284' font-size='12'>${escape(kind)}</text></g></svg>`,
  ].join('');
};

/** What stands in the catalogue: an address that needs no server, and is one by every rule. */
export const posterAddress = (subject: PosterSubject): string =>
  `data:image/svg+xml,${drawPoster(subject).replace(/[^\w\-.~!$&'()*+,;=:@/?]/gu, encodeURIComponent)}`;
