import { stopShared } from './server.js';

/** For mocha's --require: what the tests of this process shared is stopped after the last one. */
export const mochaHooks = { afterAll: stopShared };

// Nothing is open any more. Node may nevertheless spin in its own clean-up, for a request on a connection that
// was cut off; with `process.exit` it skips that. Mocha has set the exit code.
process.on('beforeExit', () => process.exit());
