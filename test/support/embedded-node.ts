import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.js';

const MAIN = fileURLToPath(new URL('./embedded-node-main.js', import.meta.url));
const LISTENING = /listening on (\d+)\n/;
const READY_WITHIN_MS = 30_000;

export interface EmbeddedNode {
  readonly port: number;
  readonly pid: number;
  readonly connectionString: string;
  /** Sends the signal; resolves once the process is gone. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Stops it as an operator would; rejects if that is not a clean exit. May be called twice. */
  stop(): Promise<void>;
}

export interface EmbeddedNodeOptions {
  readonly dataDir: string;
  /** A free one by default; give the same again to restart a node in its place. */
  readonly port?: number;
  readonly batchAppend?: boolean;
}

/** An event store in a process of its own, served over gRPC. */
export const startEmbeddedNode = async ({
  dataDir,
  port,
  batchAppend = true,
}: EmbeddedNodeOptions): Promise<EmbeddedNode> => {
  const asked = port ?? (await freePort());
  const child = spawn(process.execPath, [MAIN, dataDir, String(asked), String(batchAppend)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const bound = await listening(child);
  const kill = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await exited;
  };
  return {
    port: bound,
    pid: child.pid ?? -1,
    connectionString: `esdb://127.0.0.1:${bound}?tls=false`,
    kill,
    stop: async () => {
      if (child.signalCode !== null) return;
      await kill('SIGTERM');
      if (child.exitCode !== 0) throw new Error(`The node exited with ${child.exitCode}.`);
    },
  };
};

const listening = (child: ChildProcess): Promise<number> =>
  new Promise((resolve, reject) => {
    let output = '';
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error('The node did not start in time.'));
    }, READY_WITHIN_MS);
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`The node exited with ${code} before it was ready.`));
    });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      const [, port] = LISTENING.exec(output) ?? [];
      if (port === undefined) return;
      clearTimeout(timer);
      resolve(Number(port));
    });
  });
