import { projectionTargets } from '../support/projections/targets.js';
import { projectionsContract } from './projections.features.js';

for (const [title, open] of projectionTargets()) projectionsContract(title, open);
