import { stopShared } from './server.js';

/** For mocha's --require: what the tests of this process shared is stopped after the last one. */
export const mochaHooks = { afterAll: stopShared };

// The event loop is empty then, so an open handle still keeps the process alive. After such a run Node 20 was seen
// to spin for ever in the clean-up that follows (node::Environment::CleanupHandles), which `process.exit` skips.
// Mocha has set the exit code.
process.on('beforeExit', () => process.exit());
