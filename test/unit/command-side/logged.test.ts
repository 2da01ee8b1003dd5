import { context, ROOT_CONTEXT, trace, type ContextManager } from '@opentelemetry/api';
import { expect } from 'chai';
import type { Logger } from '../../../src/platform/observability/logger.js';
import { PortError, StreamDeletedError, UnavailableError } from '../../../src/ports/errors.js';
import type { EventStore } from '../../../src/ports/event-store.js';
import { freshAnime, handlerOver, openStore } from '../../support/command-handler.js';
import { neverApply, refuse } from '../../support/faulty-event-store.js';
import { recordingLogger } from '../../support/recording-logger.js';
import { rejectionOf } from '../../support/rejection-of.js';

describe('the log about commands that fail', () => {
  let store: EventStore;
  let close: () => Promise<void>;
  before(async () => ({ store, close } = await openStore()));
  after(() => close());

  const setUp = async () => {
    const anime = freshAnime();
    const { logger, told, lines } = recordingLogger();
    const process = handlerOver(store, {}, logger);
    await process.send(anime.list);
    return { anime, told, lines, ...process };
  };

  it('says that an append was refused, but not that the store is away or the anime is gone', async () => {
    const { anime, send, next, always, told } = await setUp();
    next(() => Promise.reject(new StreamDeletedError(anime.stream)));
    expect(await send(anime.click)).to.deep.equal({ kind: 'gone' });
    always(refuse);
    expect(await send(anime.click)).to.deep.equal({ kind: 'unavailable' });
    expect(told()).to.deep.equal([]);
    always(() => Promise.reject(new PortError('ACCESS_DENIED', 'No.', false)));
    expect(await send(anime.click)).to.deep.equal({ kind: 'access-denied' });
    expect(told()).to.deep.equal(['error Append refused']);
  });

  const dozen = Array.from({ length: 12 }, (_, n) => `request-${n}`);

  it('names an append of unknown outcome by its stream, revision and first ten commands', async () => {
    const { anime, send, always, lines, told } = await setUp();
    always(neverApply);
    await Promise.all(
      dozen.map((correlationId) => send(anime.click, { correlationId, deadlineMs: 20 })),
    );
    expect(told()).to.deep.equal(['error Append outcome unknown']);
    expect(lines.at(-1)?.data).to.deep.equal({
      stream: anime.stream,
      expected: 0n,
      correlationIds: dozen.slice(0, 10),
    });
  });

  it('names commands that are not decided by their anime, number and first ten', async () => {
    const { send, readsFail, lines } = await setUp();
    const other = freshAnime();
    readsFail(new UnavailableError('The store is down.'));
    await Promise.all(dozen.map((correlationId) => send(other.click, { correlationId })));
    expect(lines.at(-1)?.data).to.deep.equal({
      animeId: other.id,
      commands: 12,
      correlationIds: dozen.slice(0, 10),
      reason: 'The store is down.',
    });
  });

  it('has each failure to decide commands that no waiting will end', async () => {
    const { send, readsFail, told } = await setUp();
    const UNDECIDED = 'warn Commands not decided';
    readsFail(new PortError('CORRUPT', 'No.', false));
    for (let n = 0; n < 2; n += 1) await send(freshAnime().click);
    expect(told()).to.deep.equal([UNDECIDED, UNDECIDED]);
    readsFail(new TypeError('x is not a function'));
    for (let n = 0; n < 2; n += 1) await rejectionOf(send(freshAnime().click));
    expect(told()).to.deep.equal(Array(4).fill(UNDECIDED));
  });

  describe('names the trace', () => {
    before(() => context.setGlobalContextManager(synchronousContexts()));
    after(() => context.disable());

    const traced = (digit: string) => ({
      traceparent: `00-${digit.repeat(32)}-${'b'.repeat(16)}-01`,
    });

    it('of the first command of an append that has one', async () => {
      const { logger, traces } = tracedLogger();
      const anime = freshAnime();
      const { send, always } = handlerOver(store, {}, logger);
      await send(anime.list);
      always(() => Promise.reject(new PortError('ACCESS_DENIED', 'No.', false)));
      const options = [{}, traced('1'), traced('2')];
      await Promise.all(options.map((each) => send(anime.click, each)));
      await send(anime.click);
      expect(traces).to.deep.equal(['1'.repeat(32), undefined]);
    });

    it('of a command whose user cannot be looked up', async () => {
      const { logger, traces } = tracedLogger();
      const { send } = handlerOver(store, {}, logger, {
        known: () => undefined,
        protect: () => Promise.reject(new PortError('CORRUPT', 'No.', false)),
      });
      await send(freshAnime().click, traced('3'));
      expect(traces).to.deep.equal(['3'.repeat(32)]);
    });
  });
});

/** The trace that each line is written in. */
const tracedLogger = () => {
  const traces: (string | undefined)[] = [];
  const note = () => void traces.push(trace.getSpanContext(context.active())?.traceId);
  const logger: Logger = { debug: note, info: note, warn: note, error: note, child: () => logger };
  return { logger, traces };
};

/** As much of a tracing SDK as a line needs that is written at once. */
const synchronousContexts = (): ContextManager => {
  let active = ROOT_CONTEXT;
  const manager: ContextManager = {
    active: () => active,
    with: (within, work, self, ...given) => {
      const outer = active;
      active = within;
      try {
        return work.apply(self, given);
      } finally {
        active = outer;
      }
    },
    bind: (_within, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  return manager;
};
