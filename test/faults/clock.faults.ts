import { join } from 'node:path';
import { sendSome } from '../support/command-history.js';
import { fakeClock, type FakeClock } from '../support/fake-clock.js';
import { describeFull } from '../support/faults.js';
import { expectMoving } from '../support/stack/story.js';
import { stackUnderLoad } from '../support/stack/under-load.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

describeFull('the service in four processes, with a clock that jumps', function () {
  this.timeout(240_000);
  let directory: Awaited<ReturnType<typeof temporaryDirectory>> | undefined;
  let clock: FakeClock;

  before(async function () {
    directory = await temporaryDirectory();
    clock = fakeClock(this, join(directory.path, 'clock'));
  });
  const given = stackUnderLoad(() => clock.environment);
  after(() => directory?.remove());

  for (const jump of ['+2h', '-2h']) {
    it(`keeps order and goes on at ${jump}`, async () => {
      clock.set(jump);
      await sendSome(given.load, 100);
      await expectMoving(given.stack, given.witness);
      await given.expectPromisesKept();
    });
  }
});
