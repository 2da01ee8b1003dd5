import { expect } from 'chai';
import { parseInvocation, UsageError } from '../../src/cli/arguments.js';

describe('the arguments of the command line', () => {
  for (const [name, args, message] of [
    ['an unknown command', ['sing'], 'Unknown command sing.'],
    ['an unknown role', ['serve', 'poet'], 'Unknown role poet'],
    ['an unknown option', ['serve', '--loud'], '--loud'],
    ['an import without a file', ['import-catalog'], 'import-catalog needs a file.'],
    ['a rebuild of an unknown kind', ['rebuild', 'twice'], 'rebuild knows status, promote'],
    ['a prune without a version', ['rebuild', 'prune'], 'rebuild prune needs a version.'],
    ['dead letters without a verb', ['dead-letters'], 'dead-letters needs list, replay or ignore.'],
    ['nothing to ignore', ['dead-letters', 'ignore', 'anime-1'], 'needs a stream and a revision.'],
    ['a revision that is none', ['dead-letters', 'ignore', 'anime-1', 'x'], 'x is no revision'],
    ['a range backwards', ['dead-letters', 'ignore', 'anime-1', '9-7'], '9-7 is no revision'],
    [
      'a long reason',
      ['dead-letters', 'ignore', 'anime-1', '7', '--reason', 'x'.repeat(501)],
      'at most 500 characters',
    ],
    ['a limit that is no number', ['dead-letters', 'list', '--limit', 'all'], '--limit'],
    ['projections without a verb', ['projections'], 'projections needs deploy or status.'],
    ['a copy without a source', ['copy-log', '--to', 'x'], 'copy-log needs --from'],
    ['an import of no events', ['import-events'], 'import-events needs a file, or - for'],
    ['types of statistics', ['export', '--statistics', '--types', 'A'], '--types selects events'],
    ['an option of another command', ['audit', '--relist'], 'audit has no option --relist.'],
    ['too many arguments', ['serve', 'all', 'now'], 'Too many arguments: now.'],
  ] as const) {
    it(`are refused with ${name}`, () => {
      expect(() => parseInvocation(args)).to.throw(UsageError, message);
    });
  }

  for (const [text, invocation] of [
    ['serve', { command: 'serve', role: 'all', sampleCatalog: undefined }],
    ['serve bridge', { command: 'serve', role: 'bridge', sampleCatalog: undefined }],
    [
      'import-catalog a.csv --relist',
      { command: 'import-catalog', file: 'a.csv', relist: true, clear: false },
    ],
    [
      'import-catalog a.csv --clear',
      { command: 'import-catalog', file: 'a.csv', relist: false, clear: true },
    ],
    ['rebuild', { command: 'rebuild', action: { kind: 'build' } }],
    ['rebuild promote', { command: 'rebuild', action: { kind: 'promote', version: undefined } }],
    ['rebuild rollback v1', { command: 'rebuild', action: { kind: 'rollback', version: 'v1' } }],
    ['rebuild prune v1', { command: 'rebuild', action: { kind: 'prune', version: 'v1' } }],
    [
      'copy-log --from /a --to esdb://b:2113?tls=false',
      { command: 'copy-log', from: '/a', to: 'esdb://b:2113?tls=false', encrypt: false },
    ],
    ['import-events -', { command: 'import-events', file: '-' }],
    [
      'export --system --since 7',
      {
        command: 'export',
        format: 'ndjson',
        types: undefined,
        since: 7n,
        system: true,
        decrypt: false,
      },
    ],
    ['export --statistics', { command: 'export-statistics', format: 'ndjson' }],
    ['audit v2', { command: 'audit', version: 'v2' }],
    ['dead-letters list', { command: 'dead-letters', action: { kind: 'list', limit: 100 } }],
    [
      'dead-letters replay anime-1',
      { command: 'dead-letters', action: { kind: 'replay', stream: 'anime-1' } },
    ],
    [
      'dead-letters ignore anime-1 7 --reason why',
      {
        command: 'dead-letters',
        action: {
          kind: 'ignore',
          stream: 'anime-1',
          from: 7,
          to: 7,
          reason: 'why',
          evenNewer: false,
        },
      },
    ],
    [
      'dead-letters ignore anime-1 7-9 --even-newer',
      {
        command: 'dead-letters',
        action: {
          kind: 'ignore',
          stream: 'anime-1',
          from: 7,
          to: 9,
          reason: '',
          evenNewer: true,
        },
      },
    ],
    ['projections deploy', { command: 'projections', action: 'deploy' }],
    ['config --help', { command: 'config', explain: true }],
    ['audit --help', { command: 'help', about: 'audit' }],
    ['help rebuild', { command: 'help', about: 'rebuild' }],
    ['', { command: 'help', about: undefined }],
    ['audit --json', { command: 'audit', version: undefined, json: true }],
  ] as const) {
    it(`are understood: ${text}`, () => {
      const args = text.split(' ').filter((each) => each !== '');
      expect(parseInvocation(args)).to.deep.equal({ json: false, ...invocation });
    });
  }
});
