import { openMongodbStore } from '../../support/stack/mongodb-store.js';
import { keepSaving } from './keep-saving.js';

/** Saves until it is killed, and reports each round. */
const [url, database] = process.argv.slice(2);
if (url === undefined || database === undefined) throw new Error('Say where to save.');
const store = await openMongodbStore(url, { database });
await keepSaving(store, (revision) => process.stdout.write(`${revision}\n`));
