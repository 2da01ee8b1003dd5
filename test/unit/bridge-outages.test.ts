import { expect } from 'chai';
import { checkpointStreamOf } from '../../src/bridge/checkpoint.js';
import { TooLargeError, UnavailableError } from '../../src/ports/errors.js';
import { bridging } from '../support/bridging.js';
import { eventually } from '../support/eventually.js';
import { animeId, events } from '../support/examples.js';
import { logOf } from '../support/histories.js';
import { inMemoryDeadLetters } from '../support/in-memory-dead-letters.js';
import { recordingBus } from '../support/recording-bus.js';
import { recordingLogger } from '../support/recording-logger.js';

const gone = new UnavailableError('It is away.');

const logOfOne = () =>
  logOf([
    {
      anime: 1,
      event: { ...events.click, data: { ...events.click.data, animeId: animeId(1) } },
    },
  ]);

/** Fails a number of times and then no more. */
const failing = (times: number) => {
  let left = times;
  return (): void => {
    left -= 1;
    if (left >= 0) throw gone;
  };
};

describe('an outage seen by the bridge', () => {
  const FAILURES = 10;

  const given = (options: Partial<Parameters<typeof bridging>[0]>) => {
    const { logger, told } = recordingLogger();
    const { store } = logOfOne();
    const bus = recordingBus();
    const bridge = bridging({ eventStore: store, bus, logger, ...options });
    return { bridge, told };
  };

  const linesOf = async (
    { bridge, told }: ReturnType<typeof given>,
    [begun, ended]: readonly [string, string],
  ): Promise<void> => {
    await bridge.start();
    try {
      await eventually(() => expect(told()).to.include(`info ${ended}`));
    } finally {
      await bridge.stop();
    }
    expect(told().filter((line) => line === `warn ${begun}`)).to.have.length(1);
    expect(told().filter((line) => line === `info ${ended}`)).to.have.length(1);
    const others = told().filter((line) => !/^info /.test(line) && line !== `warn ${begun}`);
    expect(others).to.deep.equal([]);
  };

  it('is logged twice where the checkpoint cannot be read', async () => {
    const { store } = logOfOne();
    const fail = failing(FAILURES);
    const eventStore: typeof store = {
      ...store,
      async *read(...call) {
        if (call[0] === checkpointStreamOf('main')) fail();
        yield* store.read(...call);
      },
    };
    await linesOf(given({ eventStore }), [
      'The checkpoint cannot be read',
      'The checkpoint can be read again',
    ]);
  });

  it('is logged twice where the checkpoint cannot be written', async () => {
    const { store } = logOfOne();
    const fail = failing(FAILURES);
    const eventStore: typeof store = {
      ...store,
      async *read(...call) {
        // Looked for before each checkpoint: whether the event that was published last is there.
        if (call[0].startsWith('anime-')) fail();
        yield* store.read(...call);
      },
    };
    await linesOf(given({ eventStore, checkpointEveryMs: 1 }), [
      'Could not write the checkpoint; retrying',
      'The checkpoint is written again',
    ]);
  });

  it('is logged twice where the bus accepts no batch', async () => {
    await linesOf(given({ bus: recordingBus(failing(FAILURES)) }), [
      'Could not publish a batch; retrying',
      'Batches are published again',
    ]);
  });

  it('is logged twice where no dead letter is accepted', async () => {
    const bus = recordingBus((published) => {
      if (published.some(({ isMarker }) => !isMarker)) throw new TooLargeError('Too large.');
    });
    const deadLetters = inMemoryDeadLetters();
    const fail = failing(FAILURES);
    const add: typeof deadLetters.add = async (letter) => {
      fail();
      return deadLetters.add(letter);
    };
    await linesOf(given({ bus, deadLetters: { ...deadLetters, add } }), [
      'Could not add a dead letter; retrying',
      'Dead letters are added again',
    ]);
  });

  it('is logged twice where the position of the documents cannot be saved', async () => {
    const fail = failing(FAILURES);
    const flushed = {
      load: () => Promise.resolve(null),
      save: async () => {
        fail();
        await Promise.resolve();
      },
    };
    await linesOf(given({ flushed, checkpointEveryMs: 1 }), [
      'Could not save the position of the documents; retrying',
      'The position of the documents is saved again',
    ]);
  });

  it('is logged twice where the bus cannot report its ends', async () => {
    const fail = failing(FAILURES);
    const bus = recordingBus();
    const ends = async (): ReturnType<typeof bus.ends> => {
      fail();
      return bus.ends();
    };
    await linesOf(given({ bus: { ...bus, ends } }), [
      'The bridge failed; restarting',
      'The bridge has restarted',
    ]);
  });
});
