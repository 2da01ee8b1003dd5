import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface ReadOnceOptions {
  readonly brokers: string;
  readonly topic: string;
  readonly timeoutMs: number;
}

const SCRIPT = fileURLToPath(new URL('./kafka-read-once-main.js', import.meta.url));

/** A process that reads a topic once and then has nothing more to do. */
export const readOnce = ({ brokers, topic, timeoutMs }: ReadOnceOptions) => {
  const child = spawn(process.execPath, [SCRIPT, brokers, topic, `${timeoutMs}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let printed = '';
  child.stdout.on('data', (bytes: Buffer) => (printed += bytes.toString()));
  return {
    /** What the reading came to, once it is known. */
    outcome: () => printed.trim(),
    exitCode: () => child.exitCode,
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
};
