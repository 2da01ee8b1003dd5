import { expect } from 'chai';
import { createPipelineHistory } from '../../../src/compose/pipeline-progress.js';

describe('the history of the pipeline', () => {
  const given = () => {
    let ms = 0;
    let commands = 0;
    const history = createPipelineHistory({
      totals: () => Promise.resolve({ commands, published: null }),
      lag: () => Promise.resolve({ lagEvents: 3, lagSeconds: 0.5 }),
      memoryBytes: () => 1024,
      now: () => ms,
      monotonic: () => ms,
    });
    const pass = async (seconds: number, perSecond: number) => {
      for (let passed = 0; passed < seconds; passed += 10) {
        ms += 10_000;
        commands += perSecond * 10;
        await history.sample();
      }
    };
    return { history, pass, rate: () => history.rate('commands', { commands }) };
  };

  it('holds the rates since the sample before, the lag and the memory', async () => {
    const { history, pass } = given();
    await pass(10, 5);
    await pass(10, 7);
    expect(history.samples()).to.deep.equal([
      {
        time: '1970-01-01T00:00:10.000Z',
        commands: 5,
        published: null,
        documents: null,
        lagEvents: 3,
        lagSeconds: 0.5,
        memoryBytes: 1024,
      },
      {
        time: '1970-01-01T00:00:20.000Z',
        commands: 7,
        published: null,
        documents: null,
        lagEvents: 3,
        lagSeconds: 0.5,
        memoryBytes: 1024,
      },
    ]);
  });

  it('holds one hour, and forgets the oldest', async () => {
    const { history, pass } = given();
    await pass(3_700, 1);
    expect(history.samples()).to.have.length(360);
    expect(history.samples()[0]?.time).to.equal('1970-01-01T00:01:50.000Z');
  });

  it('means by a rate that of the last minute, or since the start of a younger process', async () => {
    const { history, pass, rate } = given();
    expect(rate()).to.equal(null);
    await pass(20, 6);
    expect(rate()).to.equal(6);
    await pass(300, 0);
    expect(rate()).to.equal(0);
    await pass(30, 10);
    expect(rate()).to.equal(5);
    expect(history.rate('published', { published: null })).to.equal(null);
  });
});
