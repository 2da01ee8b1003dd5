// Who may import whom; part of `npm run lint`.

/** A folder of src may import these and itself, nothing else of src. */
const mayImport = (name, from, ...folders) => ({
  name,
  severity: 'error',
  from: { path: `^src/${from}/` },
  to: { path: '^src/', pathNot: [from, ...folders].map((folder) => `^src/${folder}/`) },
});

/** A package that only these folders may import. */
const onlyIn = (name, packages, ...folders) => ({
  name: `${name}-only-in-its-adapter`,
  severity: 'error',
  from: { path: '^src/', pathNot: folders.map((folder) => `^src/${folder}/`) },
  to: { path: packages },
});

const APPLICATION = ['domain', 'ports', 'wire', 'platform'];

export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'main-starts-the-program',
      severity: 'error',
      from: { path: '^src/main\\.ts$' },
      to: { path: '^src/', pathNot: '^src/program\\.ts$' },
    },
    {
      name: 'cli-reads-arguments',
      severity: 'error',
      from: { path: '^src/cli/' },
      to: {
        path: '^src/',
        pathNot: '^src/(cli/|domain/ids\\.ts$|jobs/requests\\.ts$|compose/roles\\.ts$)',
      },
    },
    {
      name: 'jobs-open-through-compose',
      severity: 'error',
      from: { path: '^src/jobs/' },
      to: { path: '^src/(cli/|adapters/|compose/(service|start-role)\\.ts$)' },
    },
    {
      name: 'compose-knows-no-job',
      severity: 'error',
      from: { path: '^src/compose/' },
      to: { path: '^src/(cli|jobs)/' },
    },
    {
      name: 'nothing-imports-the-program',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/main\\.ts$' },
      to: { path: '^src/(main|program)\\.ts$' },
    },
    mayImport('domain-is-pure', 'domain'),
    mayImport('ports-know-the-domain', 'ports', 'domain'),
    mayImport('wire', 'wire', 'domain', 'ports'),
    mayImport('platform', 'platform', 'ports'),
    mayImport('embedded-eventstore-stands-alone', 'embedded-eventstore'),
    // It runs in a browser: its packages are bundled, and it knows the service by its APIs alone.
    mayImport('dashboard-stands-alone', 'dashboard'),
    // It is shipped to others: it has no packages, and knows the service by its APIs alone.
    mayImport('client-stands-alone', 'client'),
    {
      name: 'the-client-is-for-others',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/client/' },
      to: { path: '^src/client/' },
    },
    {
      name: 'no-packages-in-the-client',
      severity: 'error',
      from: { path: '^src/client/', pathNot: '\\.js$' },
      to: { dependencyTypes: ['core', 'npm', 'npm-dev'] },
    },
    {
      name: 'the-dashboard-is-a-program',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/dashboard/' },
      to: { path: '^src/dashboard/' },
    },
    {
      name: 'no-node-in-the-dashboard',
      severity: 'error',
      from: { path: '^src/dashboard/', pathNot: '\\.js$' },
      to: { dependencyTypes: ['core', 'npm'], dependencyTypesNot: ['npm-dev'] },
    },
    ...['command-side', 'bridge', 'read-side', 'query-side', 'import', 'user-protection'].map(
      (side) => mayImport(`${side}-knows-no-other-side`, side, ...APPLICATION),
    ),
    mayImport('adapters-know-the-application', 'adapters', 'embedded-eventstore', ...APPLICATION),
    {
      name: 'no-adapter-imports-another',
      comment: 'adapters/read-store is what read stores share.',
      severity: 'error',
      from: { path: '^src/adapters/([^/]+)/' },
      to: { path: '^src/adapters/', pathNot: ['^src/adapters/$1/', '^src/adapters/read-store/'] },
    },
    {
      name: 'only-the-embedded-adapter-opens-the-embedded-event-store',
      severity: 'error',
      from: { path: '^src/adapters/', pathNot: '^src/adapters/embedded/' },
      to: { path: '^src/embedded-eventstore/' },
    },
    {
      name: 'no-decisions-in-adapters',
      severity: 'error',
      from: { path: '^src/(adapters|embedded-eventstore)/' },
      to: { path: '^src/domain/(decide|commands)\\.ts$' },
    },
    {
      name: 'no-packages-in-the-core',
      severity: 'error',
      from: { path: '^src/(domain|ports)/' },
      to: { dependencyTypes: ['npm', 'npm-dev', 'core'] },
    },
    onlyIn(
      'eventstoredb-client',
      'node_modules/@eventstore/db-client/dist',
      'adapters/eventstoredb',
    ),
    onlyIn(
      'grpc',
      'node_modules/(@eventstore/db-client/generated|@grpc/grpc-js|google-protobuf|protobufjs)',
      'adapters/eventstoredb',
      'embedded-eventstore',
    ),
    onlyIn('sqlite', '@photostructure/sqlite|^node:sqlite$|^sqlite$', 'embedded-eventstore'),
    onlyIn(
      'opentelemetry-sdk',
      'node_modules/@opentelemetry/(sdk|exporter|resources|context)',
      'platform/observability',
    ),
    onlyIn('kafkajs', 'node_modules/kafkajs', 'adapters/kafka'),
    onlyIn('mongodb', 'node_modules/mongodb/', 'adapters/mongodb'),
    {
      name: 'tests-stay-out-of-production',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|scripts)/' },
    },
    {
      name: 'no-dev-dependencies-in-production',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/dashboard/', '^src/client/vite\\.config\\.js$'] },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
    reporterOptions: { mermaid: { minify: false } },
  },
};
