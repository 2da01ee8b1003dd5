import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What V8 writes with --cpu-prof, as far as it is read here. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** What an owner had of the time of a thread. */
export interface ProfileRow {
  readonly thread: number;
  readonly owner: string;
  readonly share: number;
  readonly micros: number;
}

/** The arguments that make a process write a profile of each of its threads when it ends. */
export const profilingArgs = (directory: string): readonly string[] => [
  '--cpu-prof',
  `--cpu-prof-dir=${directory}`,
];

/** Per thread, who used its time by itself, callees left out; the busiest thread first. */
export const profileRows = async (directory: string): Promise<readonly ProfileRow[]> => {
  const files = (await readdir(directory)).filter((name) => name.endsWith('.cpuprofile'));
  const threads = await Promise.all(
    files.map(async (name) => {
      const text = await readFile(join(directory, name), 'utf8');
      return selfTimes(JSON.parse(text) as CpuProfile);
    }),
  );
  return threads
    .sort((a, b) => busy(b) - busy(a))
    .flatMap((owners, thread) => {
      const all = sum(owners.values());
      return [...owners]
        .sort(([, a], [, b]) => b - a)
        .filter(([, micros]) => micros / all >= LEAST)
        .map(([owner, micros]) => ({ thread: thread + 1, owner, share: micros / all, micros }));
    });
};

/** A thread's owners below this part of its time are left out. */
const LEAST = 0.005;

const sum = (values: Iterable<number>): number => [...values].reduce((a, b) => a + b, 0);

const busy = (owners: ReadonlyMap<string, number>): number =>
  sum(owners.values()) - (owners.get('(idle)') ?? 0);

const selfTimes = ({ nodes, samples, timeDeltas }: CpuProfile): ReadonlyMap<string, number> => {
  const owners = new Map(nodes.map(({ id, callFrame }) => [id, ownerOf(callFrame)]));
  const micros = new Map<string, number>();
  for (const [index, id] of samples.entries()) {
    const owner = owners.get(id) ?? '(unknown)';
    micros.set(owner, (micros.get(owner) ?? 0) + (timeDeltas[index] ?? 0));
  }
  return micros;
};

/** A package, a part of Node, or two levels of our folders. */
const ownerOf = ({ functionName, url }: CpuProfile['nodes'][number]['callFrame']): string => {
  const [, library] = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url) ?? [];
  if (library !== undefined) return library;
  const [, ours] = /\/src\/([^/]+(?:\/[^/]+)?)/.exec(url) ?? [];
  if (ours !== undefined) return `src/${ours.replace(/\.[jt]s$/, '')}`;
  if (url.startsWith('node:internal/')) return `node:${url.split('/')[1] ?? ''}`;
  if (url !== '') return url;
  return functionName.startsWith('(') ? functionName : 'V8 and native code';
};
