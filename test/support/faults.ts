/** Whether the long forms run: more rounds, longer outages (`make test-faults`). */
export const FULL = process.env['FAULTS'] === 'full';

/** A suite of the long form alone. */
export const describeFull = (title: string, suite: (this: Mocha.Suite) => void): void => {
  if (FULL) describe(title, suite);
};
