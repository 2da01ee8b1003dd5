import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { DeadLetter, DeadLetters } from '../../src/ports/dead-letters.js';
import { AT } from '../support/examples.js';

export interface OpenDeadLetters {
  readonly letters: DeadLetters;
  /** The dead letters as a process sees them that starts after this one is killed now. */
  afterCrash(): Promise<DeadLetters>;
  stop(): Promise<void>;
}

const aLetter = (given: Partial<DeadLetter> = {}): DeadLetter => ({
  stream: `anime-${randomUUID()}`,
  revision: 3,
  source: 'anime-events/0/17',
  reason: 'The value is no JSON.',
  value: Uint8Array.of(0, 1, 255),
  at: AT,
  ...given,
});

const plain = (letters: readonly DeadLetter[]) =>
  letters.map(({ value, ...rest }) => ({ ...rest, value: value === null ? null : [...value] }));

/** The promises of `ports/dead-letters.ts`. */
export const deadLettersContract = (title: string, open: () => Promise<OpenDeadLetters>): void => {
  describe(`dead letters: ${title}`, () => {
    let opened: OpenDeadLetters | undefined;
    const letters = (): DeadLetters => {
      if (opened === undefined) throw new Error('The target did not open.');
      return opened.letters;
    };

    beforeEach(async () => {
      opened = await open();
    });
    afterEach(async () => {
      await opened?.stop();
    });

    it('DL-1 lists letters as they were added, oldest first, at most as many as asked for', async () => {
      const added = [
        aLetter(),
        aLetter({ reason: 'a\0b', value: null, revision: 0 }),
        aLetter({ stream: null, revision: null, source: 'anime-events/1/5' }),
      ];
      for (const letter of added) await letters().add(letter);
      expect(plain(await letters().list(10))).to.deep.equal(plain(added));
      expect(plain(await letters().list(2))).to.deep.equal(plain(added.slice(0, 2)));
    });

    it('DL-1 lists letters added at the same time in the order of the calls', async () => {
      const added = Array.from({ length: 50 }, (_, revision) => aLetter({ revision }));
      await Promise.all(added.map((letter) => letters().add(letter)));
      expect(plain(await letters().list(100))).to.deep.equal(plain(added));
    });

    it('DL-1 cuts a value to 64 KiB', async () => {
      await letters().add(aLetter({ value: new Uint8Array(100_000).fill(7) }));
      const [letter] = await letters().list(1);
      expect(letter?.value).to.have.length(64 * 1024);
      expect(letter?.value?.every((byte) => byte === 7)).to.equal(true);
    });

    it('DL-2 lists a stream and revision once, as it was first added', async () => {
      const first = aLetter({ source: 'anime-events/0/1' });
      await letters().add(first);
      await letters().add({ ...first, source: 'anime-events/0/2', reason: 'Another reason.' });
      const next = { ...first, revision: 4 };
      await letters().add(next);
      expect(plain(await letters().list(10))).to.deep.equal(plain([first, next]));
    });

    it('DL-2 lists a source once where there is no stream', async () => {
      const first = aLetter({ stream: null, revision: null });
      await letters().add(first);
      await letters().add({ ...first, reason: 'Another reason.' });
      const next = { ...first, source: 'anime-events/0/18' };
      await letters().add(next);
      expect(plain(await letters().list(10))).to.deep.equal(plain([first, next]));
    });

    it('DL-3 has a letter after a crash once it was added', async () => {
      const letter = aLetter();
      await letters().add(letter);
      const found = await opened?.afterCrash();
      expect(plain((await found?.list(10)) ?? [])).to.deep.equal(plain([letter]));
    });
  });
};
