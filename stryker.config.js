import Module from 'node:module';
import fc from 'fast-check';

// The runner asks for files of mocha by names without extension, and mocha 12 calls them .cjs.
Module._extensions['.cjs'] ??= Module._extensions['.js'];

// A fault is noticed by the first counter-example; looking for the smallest takes long.
fc.configureGlobal({ endOnFailure: true });

// A test that waits for what a fault prevents fails, before the runner ends its process.
process.env.EVENTUALLY_WITHIN_MS ??= '2000';

/** Each part runs only the suites that are about it, since a static mutant runs all of them. */
const PARTS = {
  domain: {
    mutate: 'src/domain/**/*.ts',
    tests: [
      'unit/stream-name',
      'unit/decide',
      'unit/details-rules',
      'unit/occurred-at',
      'unit/codec',
      'property/text-rules',
    ],
  },
  wire: {
    // With what else is stored or sent as bytes.
    mutate: [
      'src/wire/**/*.ts',
      'src/adapters/kafka/record-codec.ts',
      'src/compose/log-identity.ts',
    ],
    tests: [
      'unit/codec',
      'unit/presence',
      'unit/search-text',
      'unit/log-identity',
      'unit/exported-event',
      'unit/original-time',
      'unit/stream-event',
      'unit/protected-user',
      'unit/user-protection/*',
      'unit/kafka/record-codec',
      'unit/kafka/record-bytes',
      'unit/kafka/records',
      'unit/kafka/publisher',
    ],
  },
  handling: {
    mutate: 'src/command-side/handling/**/*.ts',
    tests: [
      'unit/command-side/!(history|peers)',
      'integration/refused-streams',
      'unit/command-side/history',
    ],
    // On a server the same tests see nothing more of the handling, and this property takes long.
    grep: '^(?!.*(on an event store server|gets the same response from a long-running))',
  },
  bridge: { mutate: 'src/bridge/**/*.ts', tests: ['unit/bridge*', 'property/bridge'] },
  'read-side': {
    mutate: 'src/read-side/**/*.ts',
    tests: [
      'unit/audit',
      'unit/check-documents',
      'unit/rebuild',
      'unit/document-cache',
      'unit/fingerprint',
      'unit/fold-run',
      'unit/read-models',
      'unit/projector',
      'unit/projector-reads',
      'unit/projector-unconfirmed',
      'unit/consumption',
      'unit/restored-log',
      'unit/projections/compare',
      'unit/compose/projectors',
      'unit/replay',
      'property/projector',
    ],
  },
};

const { PART = 'domain' } = process.env;
const part = PARTS[PART];
if (part === undefined) {
  throw new Error(`PART is one of ${Object.keys(PARTS).join(', ')}, not ${PART}.`);
}
const reports = `dist/mutation/${PART}`;

const logs = {
  shouldIgnore: (path) => {
    if (!path.isCallExpression()) return undefined;
    const { callee } = path.node;
    const isLog =
      callee.type === 'MemberExpression' &&
      callee.object.type === 'Identifier' &&
      callee.object.name === 'logger';
    return isLog ? 'Words and fields of a log line' : undefined;
  },
};

export const strykerPlugins = [{ kind: 'Ignore', name: 'logs', value: logs }];

export default {
  testRunner: 'mocha',
  plugins: ['@stryker-mutator/mocha-runner', import.meta.filename],
  testRunnerNodeArgs: ['--import', import.meta.filename],
  // All mutants are compiled at once; which of them is active is decided while the tests run.
  buildCommand: 'tsc -p tsconfig.json --noCheck',
  mutate: [part.mutate].flat(),
  mutator: { excludedMutations: ['StringLiteral'] },
  ignorers: ['logs'],
  mochaOptions: {
    spec: part.tests.map((name) => `dist/test/${name}.test.js`),
    ...(part.grep === undefined ? {} : { grep: part.grep }),
  },
  coverageAnalysis: 'perTest',
  // More than processors: where a fault prevents what a test waits for, the test only waits.
  concurrency: 4,
  // Beside what the tests of a fault take without it.
  timeoutMS: 5_000,
  timeoutFactor: 1.5,
  dryRunTimeoutMinutes: 15,
  warnings: { slow: false },
  ignorePatterns: ['dist', 'coverage', '.data', '.stack'],
  tempDirName: `${reports}/sandbox`,
  reporters: ['clear-text', 'html', 'json', 'progress-append-only'],
  clearTextReporter: { logTests: false, reportTests: false },
  htmlReporter: { fileName: `${reports}/index.html` },
  jsonReporter: { fileName: `${reports}/mutation.json` },
  thresholds: { high: 90, low: 80, break: null },
};
