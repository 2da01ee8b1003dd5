import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { parseAllDocuments } from 'yaml';

export const MANIFESTS = 'deploy/kubernetes';

/** The kinds in our manifests, and where kubernetes-types (Kubernetes 1.30) declares them. */
const DECLARED_IN: Readonly<Record<string, string>> = {
  Namespace: 'core/v1',
  ConfigMap: 'core/v1',
  Service: 'core/v1',
  Deployment: 'apps/v1',
  PodDisruptionBudget: 'policy/v1',
  HorizontalPodAutoscaler: 'autoscaling/v2',
  Job: 'batch/v1',
};

export interface Manifest {
  readonly file: string;
  readonly content: { readonly apiVersion: string; readonly kind: string };
}

/** Every document of every manifest, the kustomization left out. */
export const readManifests = async (): Promise<readonly Manifest[]> => {
  const files = (await readdir(MANIFESTS, { recursive: true })).filter(
    (name) => name.endsWith('.yaml') && name !== 'kustomization.yaml',
  );
  const read = files.map(async (file) =>
    parseAllDocuments(await readFile(join(MANIFESTS, file), 'utf8')).map((document) => {
      if (document.errors.length > 0) throw new Error(`${file}: ${String(document.errors[0])}`);
      return { file, content: document.toJS() as Manifest['content'] };
    }),
  );
  return (await Promise.all(read)).flat();
};

/**
 * What the compiler has against each manifest as a literal of its type: keys that do not exist, values
 * of another type, missing keys. Empty where all are fine.
 */
export const typeErrorsOf = (manifests: readonly Manifest[]): readonly string[] => {
  const lines = manifests.map(({ content }, index) => {
    const module = DECLARED_IN[content.kind] ?? 'unknown-kind';
    const type = `import('kubernetes-types/${module}').${content.kind}`;
    return `export const manifest${index}: ${type} & { apiVersion: '${apiVersionOf(module)}' } = ${JSON.stringify(content)};`;
  });
  const name = resolve('manifests.ts');
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    target: ts.ScriptTarget.ES2022,
  };
  const host = ts.createCompilerHost(options);
  const program = ts.createProgram([name], options, {
    ...host,
    fileExists: (path) => path === name || host.fileExists(path),
    getSourceFile: (path, ...more) =>
      path === name
        ? ts.createSourceFile(path, lines.join('\n'), ts.ScriptTarget.ES2022)
        : host.getSourceFile(path, ...more),
  });
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const line = file?.getLineAndCharacterOfPosition(start).line ?? 0;
    const where = manifests[line];
    const text = ts.flattenDiagnosticMessageText(messageText, '\n');
    return `${where?.file ?? ''} ${where?.content.kind ?? ''}: ${text}`;
  });
};

/** The core group has no name. */
const apiVersionOf = (module: string): string => module.replace(/^core\//, '');
