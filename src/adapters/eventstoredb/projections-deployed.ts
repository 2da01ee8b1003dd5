import { createHash, randomUUID } from 'node:crypto';
import type { AppendResult, EventStore, ExpectedRevision } from '../../ports/event-store.js';
import type { ProjectionDefinition } from '../../ports/projections.js';

export interface Deployments {
  /** Whether the definition is the one that was recorded last under its name. */
  isLast(definition: ProjectionDefinition): Promise<boolean>;
  record(definition: ProjectionDefinition): Promise<void>;
}

type Store = Pick<EventStore, 'read' | 'append'>;

const PROJECTION_DEPLOYED = 'ProjectionDeployed';

/** No name of ours begins with the prefix of the anime streams, which the bridge forwards. */
const streamOf = (name: string): string => `deployed-projection-${name}`;

/**
 * What was deployed, one stream per projection. The client cannot read a projection's text back from
 * the server, so a hash of it is kept where the projection lives: whoever deploys next finds it.
 */
export const deploymentsIn = (store: Store): Deployments => ({
  isLast: async (definition) => {
    const last = await lastOf(store, definition.name);
    return last.sha256 === hashOf(definition);
  },
  record: async (definition) => {
    const { revision } = await lastOf(store, definition.name);
    await append(store, definition, revision);
  },
});

const append = (
  store: Store,
  definition: ProjectionDefinition,
  expected: ExpectedRevision,
): Promise<AppendResult> => {
  const { name, emit } = definition;
  const data = { name, emit, sha256: hashOf(definition) };
  const event = { id: randomUUID(), type: PROJECTION_DEPLOYED, data, metadata: {} };
  return store.append(streamOf(name), expected, [event]);
};

const hashOf = ({ query, emit }: ProjectionDefinition): string =>
  createHash('sha256').update(JSON.stringify({ query, emit })).digest('hex');

interface Last {
  readonly revision: ExpectedRevision;
  readonly sha256: unknown;
}

const lastOf = async (store: Store, name: string): Promise<Last> => {
  for await (const event of store.read(streamOf(name), { direction: 'backwards', limit: 1 })) {
    return { revision: event.revision, sha256: sha256In(event.data) };
  }
  return { revision: 'no_stream', sha256: null };
};

const sha256In = (data: Uint8Array): unknown => {
  try {
    return (JSON.parse(Buffer.from(data).toString('utf8')) as { sha256?: unknown }).sha256;
  } catch {
    // Somebody else's event: as good as none, so the projection is deployed again.
    return null;
  }
};
