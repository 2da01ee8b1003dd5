const EVERY_MS = 2_000;

/** Prints how far a rebuild is and when it should be done, not more often than is of use. */
export const rebuildProgress = (
  print: (text: string) => void,
  version: string,
  now: () => number = () => performance.now(),
) => {
  let first: { readonly at: number; readonly events: number } | null = null;
  let printedAt = -Infinity;
  return ({ events, total }: { readonly events: number; readonly total: number }): void => {
    first ??= { at: now(), events };
    if (now() - printedAt < EVERY_MS && events < total) return;
    printedAt = now();
    const perMs = (events - first.events) / (now() - first.at);
    const left =
      events >= total || !(perMs > 0) ? null : Math.ceil((total - events) / perMs / 1000);
    const share = total === 0 ? 100 : Math.floor((100 * events) / total);
    const eta = left === null ? '' : `, ${left} s left`;
    print(`${version}: ${events} of ${total} events (${share} %)${eta}`);
  };
};
