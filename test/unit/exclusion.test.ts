import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'chai';
import { createExclusion } from '../../src/platform/async/exclusion.js';

describe('work that excludes other work with the same key', () => {
  /** Records what begins; each piece ends when it is told to. */
  const given = () => {
    const exclusive = createExclusion<string>();
    const begun: string[] = [];
    const ends = new Map<string, (error?: Error) => void>();
    const run = (name: string, keys: readonly string[]): Promise<string> =>
      exclusive(keys, () => {
        begun.push(name);
        return new Promise((resolve, reject) =>
          ends.set(name, (error) => (error === undefined ? resolve(name) : reject(error))),
        );
      });
    return { begun, run, end: (name: string, error?: Error) => ends.get(name)?.(error) };
  };

  it('waits for all earlier work that shares a key, and for no other', async () => {
    const { begun, run, end } = given();
    const a = run('a', ['1', '2']);
    const b = run('b', ['3']);
    const c = run('c', ['2', '3', '4']);
    const d = run('d', ['5']);
    expect(begun).to.deep.equal(['a', 'b', 'd']);
    end('a');
    await a;
    await nextTurn();
    expect(begun).to.deep.equal(['a', 'b', 'd']);
    end('b');
    await b;
    await nextTurn();
    expect(begun).to.deep.equal(['a', 'b', 'd', 'c']);
    end('c');
    end('d');
    expect(await Promise.all([c, d])).to.deep.equal(['c', 'd']);
  });

  it('takes turns in the order of the calls', async () => {
    const { begun, run, end } = given();
    const all = ['a', 'b', 'c'].map((name) => run(name, ['1']));
    for (const [index, name] of ['a', 'b', 'c'].entries()) {
      expect(begun).to.have.length(index + 1);
      end(name);
      await all[index];
      await nextTurn();
    }
    expect(begun).to.deep.equal(['a', 'b', 'c']);
  });

  it('goes on after work that failed', async () => {
    const { run, end } = given();
    const failing = run('a', ['1']).catch((error: unknown) => error);
    const next = run('b', ['1']);
    end('a', new Error('no'));
    expect(await failing).to.be.an('error');
    end('b');
    expect(await next).to.equal('b');
  });
});
