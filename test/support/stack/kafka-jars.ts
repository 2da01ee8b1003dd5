import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { NotHere } from './server.js';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const POM = join(ROOT, 'test/support/stack/kafka.pom.xml');

/** The folder with the broker's jars, resolved by Maven the first time and kept in `.stack`. */
export const kafkaJars = async (): Promise<string> => {
  await present('java', ['-version']);
  const version = /kafka_2\.13<\/artifactId>\s*<version>([^<]+)/.exec(await readFile(POM, 'utf8'));
  const folder = join(ROOT, '.stack', 'kafka');
  const jars = join(folder, version?.[1] ?? 'unknown');
  if (await exists(jars)) return jars;
  await present('mvn', ['-version']);
  await mkdir(folder, { recursive: true });
  const partial = await mkdtemp(join(folder, 'partial-'));
  try {
    await resolve(partial);
    await rename(partial, jars).catch(async (error: unknown) => {
      // Another process was faster.
      if (!(await exists(jars))) throw error;
    });
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return jars;
};

const resolve = async (into: string): Promise<void> => {
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime'];
  try {
    await run('mvn', ['-q', '-B', '-f', POM, ...goal, `-DoutputDirectory=${into}`], {
      timeout: 120_000,
    });
  } catch (error) {
    throw new NotHere(`Kafka's jars cannot be resolved: ${String(error)}`);
  }
};

const present = async (command: string, args: readonly string[]): Promise<void> => {
  try {
    await run(command, args);
  } catch {
    throw new NotHere(`there is no Kafka: neither KAFKA_BROKERS, nor Docker, nor ${command}`);
  }
};

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
