interface Stoppable {
  stop(): Promise<void>;
}

/**
 * Stops what a suite has opened, in this order. What is missing was never opened: a hook that skips
 * or fails half-way leaves the rest to be stopped. One that cannot be stopped keeps no other one up.
 */
export const stopAll = async (opened: readonly (Stoppable | undefined)[]): Promise<void> => {
  const failures: unknown[] = [];
  for (const one of opened) await one?.stop().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw new AggregateError(failures, 'Not everything was stopped.');
};
