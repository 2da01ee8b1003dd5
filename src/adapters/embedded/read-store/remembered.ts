import { LRUCache } from 'lru-cache';

/** Answers a question again as before, for as long as the epoch is the same. Bounded. */
export const remembered = (epoch: () => number, max = 500) => {
  const answers = new LRUCache<string, object>({ max });
  let current = -1;
  return <T extends object>(question: string, answer: () => T): T => {
    const now = epoch();
    if (now !== current) answers.clear();
    current = now;
    const known = answers.get(question) as T | undefined;
    if (known !== undefined) return known;
    const found = answer();
    answers.set(question, found);
    return found;
  };
};
