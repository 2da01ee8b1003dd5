import { Script } from 'node:vm';
import {
  newQuickJSWASMModuleFromVariant,
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSWASMModule,
} from 'quickjs-emscripten-core';
import type { ProjectionSources } from './sandbox-definition.js';
import { EMIT_REFUSED } from './sandbox-effects.js';
import { SANDBOX_PROGRAM } from './sandbox-program.js';
import type { BatchOutput, EventRow } from './sandbox-runner.js';

/** The query could not be compiled, or failed while it was evaluated. */
export class DefinitionError extends Error {
  override readonly name = 'DefinitionError';
}

/** The sandbox failed while the row was running, and cannot continue. */
export class SandboxFailure extends Error {
  override readonly name = 'SandboxFailure';

  constructor(
    readonly row: number,
    message: string,
  ) {
    super(message);
  }
}

export interface SandboxOptions {
  readonly query: string;
  readonly emitEnabled: boolean;
  readonly executionTimeoutMs: number;
  readonly memoryLimitBytes: number;
  /** Loads a state that the sandbox does not hold, as JSON text of state and result. */
  readonly load: (partition: string) => string | undefined;
  /** Called every few thousand instructions. */
  readonly onStep: () => void;
}

export interface Sandbox {
  readonly sources: ProjectionSources;
  /** Throws SandboxFailure if the JavaScript engine itself fails; the sandbox must then be closed. */
  run(events: readonly EventRow[]): BatchOutput;
  close(): void;
}

const COMPILE_TIMEOUT_MS = 500;
const STACK_BYTES = 256 * 1024;

const timeSpanOf = (ms: number): string => {
  const seconds = Math.floor(ms / 1000);
  const ticks = Math.round((ms % 1000) * 10_000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = `00:${two(Math.floor(seconds / 60))}:${two(seconds % 60)}`;
  return ticks === 0 ? time : `${time}.${String(ticks).padStart(7, '0')}`;
};

/** In the server's words, which clients match. */
const tookTooLong = (action: 'compile' | 'execute', ms: number, allowed: number): string =>
  `Projection script took too long to ${action} (took: ${timeSpanOf(ms)}, allowed: ${timeSpanOf(allowed)})`;

/** Parses only: the query never runs outside the sandbox. */
const checkSyntax = (query: string): void => {
  try {
    new Script(query, { filename: '<anonymous>' });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const [place = '', , marks = ''] = (error.stack ?? '').split('\n');
    const line = /^<anonymous>:(\d+)/.exec(place)?.[1];
    const caret = marks.indexOf('^');
    const column = (caret === -1 ? marks.length : caret) + 1;
    const where = line === undefined ? '' : ` (<anonymous>:${line}:${column})`;
    throw new DefinitionError(error.message + where);
  }
};

export const loadSandboxModule = (): Promise<QuickJSWASMModule> =>
  newQuickJSWASMModuleFromVariant(import('@jitl/quickjs-wasmfile-release-sync'));

/** Evaluates the query in a WebAssembly engine whose only access to the host is `load`. */
export const openSandbox = (module: QuickJSWASMModule, options: SandboxOptions): Sandbox => {
  const { query, emitEnabled, executionTimeoutMs, memoryLimitBytes } = options;
  checkSyntax(query);
  const runtime = module.newRuntime();
  runtime.setMemoryLimit(memoryLimitBytes);
  runtime.setMaxStackSize(STACK_BYTES);
  const context = runtime.newContext();
  const handles: QuickJSHandle[] = [];
  const kept = <H extends QuickJSHandle>(handle: H): H => {
    handles.push(handle);
    return handle;
  };
  const progress = kept(context.newArrayBuffer(new ArrayBuffer(4)));
  let row = -1;
  let since = 0;
  let allowed = COMPILE_TIMEOUT_MS;
  let took: number | undefined;

  const rowNow = (): number => {
    const view = context.getArrayBuffer(progress);
    try {
      return new DataView(view.value.buffer, view.value.byteOffset, 4).getInt32(0, true);
    } finally {
      view.dispose();
    }
  };

  const watch = (): void => {
    row = -1;
    since = performance.now();
    took = undefined;
  };

  runtime.setInterruptHandler(() => {
    options.onStep();
    const now = performance.now();
    const current = rowNow();
    if (current !== row) {
      row = current;
      since = now;
      return false;
    }
    if (now - since < allowed) return false;
    took = now - since;
    return true;
  });

  const close = (): void => {
    for (const handle of handles) if (handle.alive) handle.dispose();
    context.dispose();
    runtime.dispose();
  };

  const evaluate = (text: string, file: string): QuickJSHandle => {
    const result = context.evalCode(text, file, { type: 'global', strict: false });
    if (result.error === undefined) return result.value;
    const message = failureIn(context, result.error);
    throw new DefinitionError(
      took === undefined ? message : tookTooLong('compile', took, COMPILE_TIMEOUT_MS),
    );
  };

  const call = (target: QuickJSHandle, ...given: QuickJSHandle[]): QuickJSHandle => {
    const result = context.callFunction(target, context.undefined, ...given);
    if (result.error === undefined) return result.value;
    throw new Error(failureIn(context, result.error));
  };

  try {
    const load = kept(
      context.newFunction('load', (partition) => {
        const found = options.load(context.getString(partition));
        return found === undefined ? context.undefined : context.newString(found);
      }),
    );
    const program = kept(evaluate(SANDBOX_PROGRAM, 'program'));
    const refusal = kept(emitEnabled ? context.null : context.newString(EMIT_REFUSED));
    const api = kept(call(program, load, progress, refusal));
    const define = kept(context.getProp(api, 0));
    const run = kept(context.getProp(api, 1));
    watch();
    evaluate(query, '<anonymous>').dispose();
    const sources = definitionOf(context, define);
    allowed = executionTimeoutMs;
    return {
      sources,
      run: (events) => {
        watch();
        const text = context.newString(JSON.stringify(events));
        try {
          const output = call(run, text);
          const json = context.getString(output);
          output.dispose();
          return JSON.parse(json) as BatchOutput;
        } catch (error) {
          const message = error instanceof Error ? error.message : String(error);
          const failed = took === undefined ? message : tookTooLong('execute', took, allowed);
          throw new SandboxFailure(rowNow(), failed);
        } finally {
          text.dispose();
        }
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
};

const definitionOf = (context: QuickJSContext, define: QuickJSHandle): ProjectionSources => {
  const result = context.callFunction(define, context.undefined);
  if (result.error !== undefined) throw new DefinitionError(failureIn(context, result.error));
  const sources = JSON.parse(context.getString(result.value)) as ProjectionSources;
  result.value.dispose();
  return sources;
};

const failureIn = (context: QuickJSContext, error: QuickJSHandle): string => {
  const dumped: unknown = context.dump(error);
  error.dispose();
  if (typeof dumped !== 'object' || dumped === null) return String(dumped);
  const { name, message } = dumped as { readonly name?: unknown; readonly message?: unknown };
  const text = String(message);
  return name === 'ReferenceError' ? text.replace(/^'(.*)' is/, '$1 is') : text;
};
