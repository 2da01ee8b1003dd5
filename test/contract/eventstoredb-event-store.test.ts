import { embeddedNodeTargets } from '../support/event-store-db-targets.js';
import { eventStoreContract } from './event-store.features.js';

for (const [title, target] of embeddedNodeTargets()) eventStoreContract(title, target);
