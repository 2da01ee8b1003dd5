import { expect } from 'chai';
import {
  temporaryProjections,
  type TemporaryProjections,
} from '../../support/embedded-projections.js';

const COUNT = `fromStream('film-1').when({ $init: () => ({ n: 0 }), Clicked: (s) => { s.n += 1; return s; } })`;
const CLICK = ['Clicked', {}] as const;

const on = (handler: string): string =>
  `fromStream('film-1').when({ Clicked: (s, e) => { ${handler} } })`;

describe('hostile projections on the embedded event store', function () {
  this.timeout(180_000);

  let given: TemporaryProjections;

  beforeEach(async () => {
    given = await temporaryProjections({ executionTimeoutMs: 1000 });
    await given.append('film-1', CLICK, CLICK);
  });

  afterEach(() => given.remove());

  /** The event store and another projection answer as before. */
  const expectUnharmed = async (): Promise<void> => {
    await given.create('unharmed', COUNT);
    await given.append('film-1', CLICK);
    await given.caughtUp();
    expect(await given.state('unharmed')).to.deep.equal({ n: 3 });
  };

  const FAULTS: readonly (readonly [title: string, handler: string, reason: RegExp])[] = [
    ['an endless loop', 'for (;;);', /took too long to execute .*allowed: 00:00:01\)/],
    [
      'an endless loop that catches everything',
      'for (;;) try { for (;;); } catch {}',
      /took too long/,
    ],
    [
      'a regular expression that explodes',
      `/^(a+)+$/.test('a'.repeat(50) + 'b');`,
      /took too long/,
    ],
    ['a native loop that cannot be interrupted', 'new Array(4e9).indexOf(1);', /took too long/],
    ['endless recursion', 'const f = () => f() + 1; f();', /stack overflow/],
    [
      'a memory bomb',
      `const a = []; for (;;) a.push('x'.repeat(1e6) + a.length);`,
      /out of memory|took too long/,
    ],
    ['one huge text', `return { t: 'x'.repeat(1e9) };`, /out of memory|invalid string length/i],
    [
      'a constructor of functions',
      `constructor.constructor('return process')();`,
      /process is not defined/,
    ],
    ['an import', `return import('node:fs').then(() => s);`, /promise/],
    ['a require', `require('fs');`, /require is not defined/],
    [
      'a flood of events',
      `for (;;) emit('f', 'F', { t: 'x'.repeat(1000) });`,
      /out of memory|too long|emitted more than/,
    ],
  ];

  for (const [title, handler, reason] of FAULTS) {
    it(`${title} is a fault of its projection alone`, async () => {
      await given.create('hostile', on(handler));
      await given.caughtUp();
      expect(given.status('hostile')).to.equal('Faulted (Enabled)');
      expect(given.reason('hostile')).to.match(reason);
      expect(await given.state('hostile')).to.equal(undefined);
      await expectUnharmed();
    });
  }

  it('an endless loop outside of handlers never compiles', async () => {
    await given.create('hostile', 'for (;;);');
    await given.caughtUp();
    expect(given.status('hostile')).to.equal('Faulted');
    expect(given.reason('hostile')).to.match(/took too long to compile/);
  });

  it('sees nothing of the process', async () => {
    const names = [
      'process',
      'require',
      'fetch',
      'setTimeout',
      'std',
      'os',
      'WebAssembly',
      'console',
    ];
    const query = on(
      `return { seen: ${JSON.stringify(names)}.filter((name) => name in globalThis) };`,
    );
    await given.create('curious', query);
    await given.caughtUp();
    expect(await given.state('curious')).to.deep.equal({ seen: [] });
  });

  it('an event cannot add to what the next one sees', async () => {
    await given.create(
      'polluting',
      `fromStream('film-1').when({ $init: () => ({ found: [] }), Clicked: (s, e) => {
        s.found.push([({}).polluted === undefined, [].polluted === undefined, ''.polluted === undefined]);
        for (const o of [e, e.data, [], '', () => 1]) {
          try { Object.getPrototypeOf(o).polluted = 1; } catch {}
          try { o.__proto__.__proto__.polluted = 1; } catch {}
        }
        return s;
      } })`,
    );
    await given.caughtUp();
    const clean = [true, true, true];
    expect(await given.state('polluting')).to.deep.equal({ found: [clean, clean] });
  });

  it('a state of 1 MB is kept', async () => {
    const query = on(`return { n: (s.n || 0) + 1, t: 'é'.repeat(500_000) };`);
    await given.create('large', query);
    await given.caughtUp();
    await given.restart();
    await given.append('film-1', CLICK);
    await given.caughtUp();
    const state = (await given.state('large')) as { readonly n: number; readonly t: string };
    expect([state.n, state.t.length]).to.deep.equal([3, 500_000]);
  });

  it('of 100,000 partitions only some are in memory, and all are right', async () => {
    const page = 5000;
    for (let first = 0; first < 100_000; first += page) {
      const events = Array.from({ length: page }, (_, n) => ['Named', { of: first + n }] as const);
      await given.append('many-1', ...events);
    }
    await given.create(
      'partitions',
      `fromStream('many-1').partitionBy((e) => e.data.of)
        .when({ $init: () => ({ n: 0 }), Named: (s, e) => ({ n: s.n + 1, of: e.data.of }) })`,
    );
    await given.caughtUp();
    await given.append('many-1', ['Named', { of: 0 }], ['Named', { of: 77_777 }]);
    await given.caughtUp();
    const states = await Promise.all(
      [0, 1, 50_000, 77_777, 99_999].map((of) => given.state('partitions', String(of))),
    );
    expect(states).to.deep.equal([
      { n: 2, of: 0 },
      { n: 1, of: 1 },
      { n: 1, of: 50_000 },
      { n: 2, of: 77_777 },
      { n: 1, of: 99_999 },
    ]);
    expect(given.statistics('partitions')?.partitionsCached).to.be.below(21_000);
  });
});
