import type { Position } from '../../../ports/event-store.js';

/** A position as text: both halves have 64 bits, more than a number holds. */
export const textOfPosition = ({ commit, prepare }: Position): string => `${commit}/${prepare}`;

export const positionOf = (text: string): Position => {
  const [commit = '', prepare = ''] = text.split('/');
  return { commit: BigInt(commit), prepare: BigInt(prepare) };
};
