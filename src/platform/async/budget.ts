/** A bounded amount of something that tasks share, such as bytes of memory. */
export interface Budget {
  /** Resolves once `amount` is free, in the order of the calls. More than all of it counts as all. */
  take(amount: number): Promise<void>;
  give(amount: number): void;
}

export const createBudget = (total: number): Budget => {
  const waiting: { readonly amount: number; readonly resolve: () => void }[] = [];
  let free = total;
  return {
    take: async (amount) => {
      const wanted = Math.min(amount, total);
      if (waiting.length === 0 && wanted <= free) {
        free -= wanted;
        return;
      }
      await new Promise<void>((resolve) => void waiting.push({ amount: wanted, resolve }));
    },
    give: (amount) => {
      free += Math.min(amount, total);
      for (let [next] = waiting; next !== undefined && next.amount <= free; [next] = waiting) {
        free -= next.amount;
        waiting.shift();
        next.resolve();
      }
    },
  };
};
