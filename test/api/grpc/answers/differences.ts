interface Difference {
  readonly question: string;
  readonly ours: string;
  readonly reason: string;
}

const refused = (why: string): string =>
  JSON.stringify({
    n: 0,
    e: { error: 'unknown', message: `3 INVALID_ARGUMENT: ${why}`.slice(0, 160) },
  });

const unread = (part: string): string =>
  refused(
    `The regular expression of the filter is not supported: ${part}. Rewrite it without that, or filter by prefixes.`,
  );

const BOTH_REFUSE =
  'Both refuse it; ours names the faulty part and does not report a server failure.';
const NO_NUL = 'Our stream names cannot contain NUL.';
const NOT_LINEAR =
  'RE2, which matches in linear time, has none, and another reading would be wrong.';

/** Where our responses differ from EventStoreDB's, and why. */
export const DIFFERENCES: readonly Difference[] = [
  {
    question: 'append to name nul',
    ours: '{"error":"unknown","message":"Could not recognize BadRequest"}',
    reason:
      "NUL ends text in SQLite's functions and in many tools, so the log refuses it in names.",
  },
  {
    question: 'regex stream ^TAG(?!-)',
    ours: '["TAG with blank@0","TAGx…@0","TAG\\nx@0","TAG.x[1]@0","TAG#3@0"]',
    reason: NO_NUL,
  },
  {
    question: 'regex stream (?s)^TAG.x',
    ours: '["TAGx…@0","TAG\\nx@0","TAG.x[1]@0"]',
    reason: NO_NUL,
  },
  {
    question: 'prefix [""]',
    ours: '[37,"TAG-a@0","TAG-a@1","TAG-a@2"]',
    reason: NO_NUL,
  },
  {
    question: 'regex stream ^TAG[\\w-[a]]*$',
    ours: unread('`-[` (class subtraction) at character 9'),
    reason: NOT_LINEAR,
  },
  {
    question: 'regex stream ^(?>TAG)#',
    ours: unread('`(?>` (atomic group) at character 2'),
    reason: NOT_LINEAR,
  },
  {
    question: 'regex stream (',
    ours: unread('`(` (unclosed group) at character 1'),
    reason: BOTH_REFUSE,
  },
  {
    question: 'regex stream *',
    ours: unread('`*` (nothing to repeat) at character 1'),
    reason: BOTH_REFUSE,
  },
  {
    question: 'regex stream [',
    ours: unread('`[` (unclosed class) at character 1'),
    reason: BOTH_REFUSE,
  },
  {
    question: 'all from weird position',
    ours: '[40,"TAG-a@0","TAG-a@1","TAG-a@2"]',
    reason:
      'Its positions are byte offsets, and this one lies within a record; ours only order events.',
  },
  {
    question: 'all prepare above commit',
    ours: refused('The prepare position must not be above the commit position.'),
    reason: BOTH_REFUSE,
  },
  {
    question: 'readAll max 0',
    ours: '[]',
    reason: 'The server never responds; we return no events, as requested.',
  },
];
