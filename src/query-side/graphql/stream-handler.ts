import { context as tracing, type Context } from '@opentelemetry/api';
import type { Request, RequestHandler, Response } from 'express';
import {
  getOperationAST,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  OperationTypeNode,
} from 'graphql';
import { createHandler } from 'graphql-sse';
import { Problem } from '../../platform/http/problem.js';
import { requestIdOf, traceContextOf } from '../../platform/http/request-context.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import type { ReadModels } from '../read-your-writes/revision-waiter.js';
import { createContext } from './context.js';
import type { Documents } from './documents.js';
import { badRequest, type ErrorMask } from './errors.js';
import { requestParameters } from './graphql-handler.js';
import type { StreamContext } from './subscriptions.js';

export interface StreamHandlerOptions {
  readonly schema: GraphQLSchema;
  readonly documents: Documents;
  readonly mask: ErrorMask;
  readonly isReader: (req: Request) => boolean;
  readonly activeReadModels: () => Promise<ReadModels | null>;
  readonly metrics: Pick<Metrics, 'subscriptions' | 'subscriptionMessages'>;
  /** Further ones are refused with 503. */
  readonly maxSubscriptions: number;
  /** Ends all subscriptions, and refuses new ones. */
  readonly closing: AbortSignal;
}

interface Stream {
  readonly messages: MessageStream;
  readonly context: StreamContext;
  /** The subscribed field, once it is known. */
  field: string | null;
  readonly within: Context;
}

/**
 * Subscriptions over server-sent events, each in a response of its own. Expects the body of a POST in
 * `req.body`, read as JSON.
 */
export const streamHandler = (options: StreamHandlerOptions): RequestHandler => {
  const { schema, documents, mask, isReader, activeReadModels, metrics, closing } = options;
  let open = 0;

  const handle = createHandler<Request, Stream, StreamContext & Record<PropertyKey, unknown>>({
    schema,
    // No tokens: connections are not shared.
    authenticate: () => null,
    // Documents are validated, and limited, below.
    validate: () => [],
    context: ({ context }) => ({ ...context.context }),
    onSubscribe: ({ context }, { query, operationName, variables }) => {
      const document = documents(query);
      if (!('kind' in document)) return inOneMessage(document);
      const operation = getOperationAST(document, operationName);
      if (operation?.operation !== OperationTypeNode.SUBSCRIPTION) {
        return inOneMessage([
          badRequest('Only subscriptions are served here; queries are at /graphql.'),
        ]);
      }
      const [selection] = operation.selectionSet.selections;
      context.field = selection?.kind === Kind.FIELD ? selection.name.value : 'fragment';
      metrics.subscriptions.inc({ subscription: context.field });
      const contextValue = context.context as StreamContext & Record<PropertyKey, unknown>;
      return { schema, document, operationName, variableValues: variables, contextValue };
    },
    onNext: async (_, { context }, result) => {
      const { messages, context: of, field, within } = context;
      // Until the client has taken the last message, no other one is made.
      await messages.ready(of.resumeId);
      if (field !== null) metrics.subscriptionMessages.inc({ subscription: field });
      const { errors } = result;
      if (errors === undefined) return result;
      return {
        ...result,
        errors: tracing.with(within, () =>
          errors.map((error) => mask(asGraphQLError(error), of.requestId)),
        ),
      };
    },
  });

  const serve = async (req: Request, res: Response): Promise<void> => {
    const messages = openMessageStream(res, closing);
    const requestId = requestIdOf(res);
    const context: StreamContext = {
      ...createContext({ requestId, isReader: isReader(req) }, activeReadModels),
      lastEventId: req.get('last-event-id'),
    };
    const stream: Stream = { messages, context, field: null, within: traceContextOf(res) };
    try {
      const [body, { status }] = await handle({
        method: 'POST',
        url: req.url,
        headers: { get: (name) => ASSUMED_HEADERS[name] },
        body: { ...requestParameters(req) },
        raw: req,
        context: stream,
      });
      if (body === null || typeof body === 'string') {
        res.status(status).type('application/json').end(body);
        return;
      }
      await messages.send(body);
    } finally {
      if (stream.field !== null) metrics.subscriptions.dec({ subscription: stream.field });
    }
  };

  return async (req, res) => {
    if (req.accepts('text/event-stream') === false) throw NOT_ACCEPTED;
    if (closing.aborted) throw SERVICE_STOPPING;
    if (open >= options.maxSubscriptions) throw TOO_MANY_SUBSCRIPTIONS;
    open += 1;
    try {
      await serve(req, res);
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      res.status(400).json({ errors: [error] });
    } finally {
      open -= 1;
    }
  };
};

/** What the handler asks for; the request itself is read above. */
const ASSUMED_HEADERS: Readonly<Partial<Record<string, string>>> = {
  accept: 'text/event-stream',
  'content-type': 'application/json',
};

async function* inOneMessage(errors: readonly GraphQLError[]) {
  yield await Promise.resolve({ errors });
}

const asGraphQLError = (error: GraphQLError | Readonly<Error>): GraphQLError =>
  error instanceof GraphQLError ? error : new GraphQLError(error.message, { originalError: error });

const NOT_ACCEPTED = new Problem(406, 'Subscriptions are answered as text/event-stream.');
const SERVICE_STOPPING = new Problem(503, 'The service is stopping; try again later.', {
  headers: { 'Retry-After': '5' },
});
const TOO_MANY_SUBSCRIPTIONS = new Problem(
  503,
  'There are too many subscriptions; try again later.',
  {
    headers: { 'Retry-After': '10' },
  },
);

/** A response of server-sent events. */
interface MessageStream {
  /**
   * Resolves when the client has taken all earlier messages, or is gone. `resumeId` then goes with
   * the next message.
   */
  ready(resumeId: (() => string | undefined) | undefined): Promise<void>;
  /** Sends until the body ends, the client is gone, or the service closes. */
  send(body: AsyncGenerator<string, void, undefined>): Promise<void>;
}

const STREAM_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  // A proxy that compresses or buffers would hold messages back.
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
};

/** How soon a browser connects again, in milliseconds. */
const RETRY = 'retry: 2000\n\n';
const MESSAGE = 'event: next\n';
const HEARTBEAT_COMMENT = ':\n\n';

/** Ends with the signal at once, without the message that says that a subscription is complete. */
const openMessageStream = (res: Response, closing: AbortSignal): MessageStream => {
  let isOver = res.destroyed;
  /** The position of the message that is on its way. */
  let due: { readonly id: string | undefined; readonly sent: () => void } | undefined;
  let resumeId: () => string | undefined = () => undefined;
  let sent: Promise<void> = Promise.resolve();
  let stop = (): void => undefined;

  const framed = (chunk: string): string => {
    const id = due === undefined ? resumeId() : chunk.startsWith(MESSAGE) ? due.id : undefined;
    if (id === undefined) return chunk;
    return chunk === HEARTBEAT_COMMENT ? `:\nid: ${id}\n\n` : `id: ${id}\n${chunk}`;
  };

  const drained = (): Promise<void> =>
    new Promise((resolve) => {
      stop = resolve;
      res.once('drain', resolve);
    });

  const write = async (chunk: string): Promise<void> => {
    const isMessage = chunk.startsWith(MESSAGE);
    if (!res.write(framed(chunk))) await drained();
    if (!isMessage) return;
    due?.sent();
    due = undefined;
  };

  return {
    ready: async (positionOf) => {
      await sent;
      if (positionOf !== undefined) resumeId = positionOf;
      const id = resumeId();
      sent = new Promise((resolve) => (due = { id, sent: resolve }));
      if (isOver) due?.sent();
    },

    send: async (body) => {
      const end = (): void => {
        isOver = true;
        stop();
        due?.sent();
        void body.return();
      };
      res.once('close', end);
      closing.addEventListener('abort', end, { once: true });
      if (closing.aborted || res.destroyed) end();
      try {
        if (!isOver) {
          res.writeHead(200, STREAM_HEADERS);
          res.write(RETRY);
        }
        for await (const chunk of body) {
          if (isOver) break;
          await write(chunk);
        }
      } finally {
        res.off('close', end);
        closing.removeEventListener('abort', end);
        // A client that does not read would hold up the shutdown.
        if (res.writableNeedDrain) res.destroy();
        else res.end();
      }
    },
  };
};
