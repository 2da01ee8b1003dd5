import { announceOwner, lockDirectory } from '../../src/embedded-eventstore/lock.js';

/** `node hold-lock.js DIRECTORY PORT`: a process that owns a data directory until it is killed. */
const [directory = '', port = ''] = process.argv.slice(2);
lockDirectory(directory);
announceOwner(directory, Number(port));
process.stdout.write('locked\n');
// A test that dies must not leave the owner behind.
process.stdin.on('end', () => process.exit()).resume();
