import { openMongodbStore } from '../../support/stack/mongodb-store.js';
import { keepSaving } from './keep-saving.js';

/** A process that saves until it is killed, and says so after each round. */
const [url, database] = process.argv.slice(2);
if (url === undefined || database === undefined) throw new Error('Say where to save.');
const store = await openMongodbStore(url, { database });
await keepSaving(store, (revision) => process.stdout.write(`${revision}\n`));
