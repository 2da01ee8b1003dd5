import { eventStoreDbTargets } from '../support/event-store-db-targets.js';
import { eventStoreContract } from './event-store.features.js';

for (const [title, target] of eventStoreDbTargets()) eventStoreContract(title, target);
