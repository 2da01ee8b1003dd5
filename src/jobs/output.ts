import { createProgress, type ProgressOutput } from '../platform/progress.js';
import type { JobOutput } from './job.js';
import { toJson } from './socket-protocol.js';

export interface JobOutputOptions {
  readonly command: string;
  readonly json: boolean;
  readonly stdout: Pick<ProgressOutput, 'write'>;
  readonly stderr: ProgressOutput;
  readonly drained?: () => Promise<void>;
}

export interface ProcessOutput extends JobOutput {
  /** With `json`, writes the document to standard output. */
  readonly finish: (result: { readonly ok: boolean; readonly error?: string }) => void;
}

/** Writes text, or with `json` one JSON document and the text to standard error. */
export const createJobOutput = ({
  command,
  json,
  stdout,
  stderr,
  drained,
}: JobOutputOptions): ProcessOutput => {
  const progress = createProgress({ output: stderr });
  let reported: Readonly<Record<string, unknown>> | null = null;
  let message: string | undefined;
  return {
    print: (text) => {
      progress.clear();
      message = text;
      (json ? stderr : stdout).write(`${text}\n`);
    },
    report: (data) => void (reported = data),
    progress: progress.show,
    drained,
    finish: ({ ok, error }) => {
      progress.clear();
      if (!json) return;
      const refused = { message: error ?? message };
      const result = error === undefined && reported !== null ? reported : refused;
      stdout.write(`${toJson({ command, ok, ...result })}\n`);
    },
  };
};

/** A cell of CSV by RFC 4180. */
export const csvCell = (text: string): string =>
  /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
