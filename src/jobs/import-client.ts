import { setImmediate } from 'node:timers';
import type { ListAnime } from '../domain/commands.js';
import type { ListTitle } from '../import/catalog-import.js';
import type { ListingOutcome } from '../import/import-report.js';
import { type Config, ConfigError } from '../platform/config/config.js';
import { messageOf, PortError } from '../ports/errors.js';
import { connected, isConnectionLost, MAX_OUTPUT, SERVICE_GONE } from './socket-client.js';
import {
  decodeOutcome,
  encodeTitle,
  IMPORT,
  IMPORT_PROTOCOL,
  type JobFrame,
  type JobRequest,
  MAX_TITLES,
  MAX_TITLES_LENGTH,
  type OutcomesFrame,
  serverDigests,
  socketLines,
  titlesFrame,
  toJson,
} from './socket-protocol.js';

interface ServiceListing {
  /** Lists a title in the service. The caller bounds how many are in flight. */
  readonly list: ListTitle;
  readonly close: () => Promise<void>;
}

interface Waiting {
  readonly resolve: (outcome: ListingOutcome) => void;
  readonly reject: (error: Error) => void;
}

type ImportFrame = JobFrame | OutcomesFrame | { readonly ready: true };

/** A service that takes longer for a title hangs. */
const SERVICE_SILENCE_MS = 60_000;

/**
 * Opens an import in the service that listens on the socket. Rejects with a ConfigError if the service
 * cannot be reached or refuses. Once the connection is lost, every title fails without a retry.
 */
export const openServiceListing = async (path: string, config: Config): Promise<ServiceListing> => {
  const socket = await connected(path);
  const waiting = new Map<number, Waiting>();
  let lost: PortError | undefined;

  const lose = (reason: string): void => {
    lost ??= new PortError('UNAVAILABLE', reason, false);
    for (const { reject } of waiting.values()) reject(lost);
    waiting.clear();
    socket.destroy();
  };

  const settle = ({ outcomes }: OutcomesFrame): void => {
    for (const [number, encoded] of outcomes) {
      const title = waiting.get(number);
      waiting.delete(number);
      const outcome = decodeOutcome(encoded);
      if (outcome instanceof PortError) title?.reject(outcome);
      else title?.resolve(outcome);
    }
  };

  const frames = framesOf(socketLines(socket, MAX_OUTPUT));

  /** Reads outcomes until the connection ends. */
  const follow = async (): Promise<void> => {
    try {
      for await (const frame of frames) {
        if ('outcomes' in frame) settle(frame);
        else if ('error' in frame) lose(frame.error);
      }
      lose(SERVICE_GONE);
    } catch (error) {
      lose(isConnectionLost(error) ? SERVICE_GONE : messageOf(error));
    }
  };

  const request: JobRequest = {
    args: [IMPORT],
    servers: serverDigests(config),
    protocol: IMPORT_PROTOCOL,
  };
  socket.on('error', () => undefined).write(`${toJson(request)}\n`);
  socket.setTimeout(SERVICE_SILENCE_MS, () => {
    if (waiting.size > 0) lose('The service does not answer: look at its log.');
  });
  await accepted(frames).catch((error: unknown) => {
    socket.destroy();
    throw isConnectionLost(error) ? new ConfigError(SERVICE_GONE) : error;
  });
  void follow();

  const outgoing = createFrames((frame) => socket.write(`${frame}\n`));
  let last = 0;
  return {
    list: (command) =>
      new Promise((resolve, reject) => {
        if (lost !== undefined) {
          reject(lost);
          return;
        }
        last += 1;
        waiting.set(last, { resolve, reject });
        outgoing.add(last, command);
      }),
    close: () => Promise.resolve(void socket.end()),
  };
};

async function* framesOf(lines: AsyncGenerator<string>): AsyncGenerator<ImportFrame> {
  for await (const line of lines) yield JSON.parse(line) as ImportFrame;
}

/** Resolves when the service accepts the import. */
const accepted = async (frames: AsyncGenerator<ImportFrame>): Promise<void> => {
  const first = await frames.next();
  if (first.done === true) throw new ConfigError(SERVICE_GONE);
  if ('error' in first.value) throw new ConfigError(first.value.error);
  if (!('ready' in first.value)) throw new ConfigError('The service has another version.');
};

/** Batches the titles of one turn of the event loop into frames of bounded size. */
const createFrames = (send: (frame: string) => void) => {
  let encoded: string[] = [];
  let length = 0;
  const flush = (): void => {
    if (encoded.length === 0) return;
    send(titlesFrame(encoded));
    encoded = [];
    length = 0;
  };
  return {
    add: (number: number, command: ListAnime): void => {
      const title = encodeTitle(number, command);
      if (encoded.length === 0) setImmediate(flush);
      encoded.push(title);
      length += title.length;
      if (encoded.length === MAX_TITLES || length > MAX_TITLES_LENGTH) flush();
    },
  };
};
