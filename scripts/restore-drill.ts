import { restoreDrill } from '../test/support/restore-drill.js';
import { temporaryDirectory } from '../test/support/temporary-directory.js';

/** An older log under newer documents, step by step. Exits 1 where the documents do not come right. */
const data = await temporaryDirectory();
const backup = await temporaryDirectory();
try {
  const { after } = await restoreDrill(data.path, backup.path, (step, seen) => {
    console.log(JSON.stringify({ step, ...seen }));
  });
  process.exitCode = after.code;
} finally {
  await data.remove();
  await backup.remove();
}
