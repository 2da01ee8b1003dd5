import tseslint from 'typescript-eslint';

const projectionGlobals = Object.fromEntries(
  [
    ...['fromCategory', 'emit', 'linkTo'],
    ...['animeIdOf', 'interactionOf', 'isSystemEvent', 'objectIn', 'addSeconds'],
  ].map((name) => [name, 'readonly']),
);

export default tseslint.config(
  { ignores: ['dist', 'coverage', 'node_modules', '.data'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['*.js', '.dependency-cruiser.js'] },
      },
    },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      // Takes every class that winston and its transports declare for a foreign one.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      'no-console': 'error',
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' },
      ],
    },
  },
  {
    files: ['src/**/*.{ts,tsx}'],
    rules: {
      'max-lines': ['error', 300],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Settings come through the configuration.' },
      ],
    },
  },
  {
    files: ['src/platform/config/config.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/no-unused-expressions': 'off' },
  },
  { files: ['bench/**/*.ts', 'scripts/**/*.ts'], rules: { 'no-console': 'off' } },
  {
    files: ['**/*.js'],
    ...tseslint.configs.disableTypeChecked,
    rules: { ...tseslint.configs.disableTypeChecked.rules, 'no-restricted-syntax': 'off' },
  },
  {
    // Each runs as one script with reading.js, in an engine that lags behind the language.
    files: ['projections/*.js'],
    languageOptions: { sourceType: 'script', globals: projectionGlobals },
    rules: {
      'no-undef': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { vars: 'local', caughtErrors: 'none' }],
      'no-restricted-syntax': [
        'error',
        {
          selector:
            'ChainExpression, ClassDeclaration, SpreadElement, TemplateLiteral, AwaitExpression, ' +
            'LogicalExpression[operator="??"], BigIntLiteral, ForOfStatement',
          message: 'Not in a projection: older engines do not know it.',
        },
      ],
    },
  },
);
