import { useEffect, useState } from 'preact/hooks';

/** Whether the last request reached the service. */
let isReachable = true;
const listeners = new Set<(reachable: boolean) => void>();

const setReachable = (now: boolean): void => {
  if (now === isReachable) return;
  isReachable = now;
  for (const listener of listeners) listener(now);
};

export const reachable = (): void => setReachable(true);
export const unreachable = (): void => setReachable(false);

/** Calls the listener whenever the service goes or comes back. Returns how to stop. */
export const onReachable = (listener: (reachable: boolean) => void): (() => void) => {
  listeners.add(listener);
  return () => void listeners.delete(listener);
};

export const useReachable = (): boolean => {
  const [now, set] = useState(isReachable);
  useEffect(() => onReachable(set), []);
  return now;
};
