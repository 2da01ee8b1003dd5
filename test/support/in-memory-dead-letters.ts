import type { DeadLetter, DeadLetters } from '../../src/ports/dead-letters.js';

export const inMemoryDeadLetters = (): DeadLetters & {
  readonly letters: readonly DeadLetter[];
} => {
  const letters = new Map<string, DeadLetter>();
  return {
    get letters() {
      return [...letters.values()];
    },
    add: (letter) => {
      const key = letter.stream === null ? letter.source : `${letter.stream}@${letter.revision}`;
      if (!letters.has(key)) letters.set(key, letter);
      return Promise.resolve();
    },
    list: (limit) => Promise.resolve([...letters.values()].slice(0, limit)),
  };
};
