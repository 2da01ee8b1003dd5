import { stopShared } from './server.js';

/** For mocha's --require: what the tests of this process shared is stopped after the last one. */
export const mochaHooks = { afterAll: stopShared };
