interface ProjectionDifference {
  /** The recorded lines that it is about. */
  readonly lines: RegExp;
  /** What differs in such a line, and what we have instead. */
  readonly theirs: RegExp;
  readonly ours: string;
  readonly reason: string;
}

/** Where our projections differ from EventStoreDB's, and why. */
export const PROJECTION_DIFFERENCES: readonly ProjectionDifference[] = [
  {
    lines: /^stream \$(ce|et|category)-/,
    theirs: /\$v \$c( \$o)? \$causedBy( \$correlationId)?/,
    ours: '$c$1',
    reason:
      'Our links are rows of an index and have no metadata of their own beside the place of their event.',
  },
  {
    lines: /^stream \$(ce|et|category)-/,
    theirs: /"\$p":\d+/,
    ours: '"$p":"a position"',
    reason: 'Its positions are byte offsets in a file of its own; ours only order events.',
  },
];

/** A recorded line as ours is, where a difference is listed for it. */
export const withProjectionDifferences = (line: string): string =>
  PROJECTION_DIFFERENCES.reduce(
    (changed, { lines, theirs, ours }) =>
      lines.test(line) ? changed.replace(theirs, ours) : changed,
    line,
  );

/** Positions of ours depend on how large events are stored. */
export const withoutPositions = (line: string): string =>
  line.replace(/"\$p":\d+/, '"$p":"a position"');
