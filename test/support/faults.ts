/** Whether the long forms run: more rounds, longer outages (`make test-faults`). */
export const FULL = process.env['FAULTS'] === 'full';
