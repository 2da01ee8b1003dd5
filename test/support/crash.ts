import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface SentBatch {
  readonly stream: string;
  readonly ids: readonly string[];
  acknowledged: boolean;
}

const SCRIPT = fileURLToPath(new URL('./append-to-streams.js', import.meta.url));

/** Appends to a log in a child process, and kills that once so many batches are acknowledged. */
export const appendAndKill = async (
  directory: string,
  streams: readonly string[],
  afterBatches: number,
): Promise<SentBatch[]> => {
  const child = spawn(process.execPath, [SCRIPT, directory, ...streams], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  const output = await linesUntil(child.stdout, (acknowledged) => {
    if (acknowledged >= afterBatches) child.kill('SIGKILL');
  });
  const [, signal] = await exited;
  if (signal !== 'SIGKILL') throw new Error('The writer ended before it was killed.');
  return batchesOf(output);
};

const linesUntil = async (
  stream: NodeJS.ReadableStream,
  onAcknowledged: (count: number) => void,
): Promise<string[]> => {
  let text = '';
  for await (const chunk of stream) {
    text += String(chunk);
    onAcknowledged(text.split('\ndone ').length - 1);
  }
  // What stands after the last newline was cut off in the middle.
  return text.split('\n').slice(0, -1);
};

const batchesOf = (lines: readonly string[]): SentBatch[] => {
  const batches = new Map<string, SentBatch>();
  for (const line of lines) {
    const [said, stream = '', ...ids] = line.split(' ');
    const key = ids.join(' ');
    if (said === 'sent') batches.set(key, { stream, ids, acknowledged: false });
    const batch = batches.get(key);
    if (said === 'done' && batch !== undefined) batch.acknowledged = true;
  }
  return [...batches.values()];
};
