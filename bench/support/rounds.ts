/** Something to measure, round by round, beside others. */
export interface Contender<Result> {
  readonly name: string;
  readonly measure: (round: number) => Promise<Result>;
}

export interface RoundsOptions {
  readonly rounds: number;
  readonly onRound?: (round: number) => void;
}

/**
 * Measures all contenders in every round, beginning with another one each time and going round the other way every
 * second time, so that nobody always follows the same one: what the machine does meanwhile hits all of them alike,
 * and only ratios within a round are compared.
 */
export const interleaved = async <Result>(
  contenders: readonly Contender<Result>[],
  { rounds, onRound }: RoundsOptions,
): Promise<ReadonlyMap<string, readonly Result[]>> => {
  const results = new Map<string, Result[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    onRound?.(round);
    for (const { name, measure } of orderOf(contenders, round)) {
      results.get(name)?.push(await measure(round));
    }
  }
  return results;
};

const orderOf = <T>(all: readonly T[], round: number): readonly T[] => {
  const at = round % all.length;
  const others = [...all.slice(at + 1), ...all.slice(0, at)];
  return [...all.slice(at, at + 1), ...(round % 2 === 0 ? others : others.toReversed())];
};

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
};

/** The median of the ratios of each round, and how far the rounds lie apart. */
export const ratio = (
  values: readonly number[],
  limits: readonly number[],
): { readonly median: number; readonly lowest: number; readonly highest: number } => {
  const ratios = values.map((value, round) => value / (limits[round] ?? Number.NaN));
  return { median: median(ratios), lowest: Math.min(...ratios), highest: Math.max(...ratios) };
};
