import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { OutcomeUnknownError, PortError } from '../../src/ports/errors.js';
import {
  LOG_IDENTITY_STREAM,
  readLogIdentity,
  readOrMakeLogIdentity,
} from '../../src/compose/log-identity.js';
import { inMemoryEventStore } from '../support/in-memory-event-store.js';

describe('log identity', () => {
  it('is created once and kept', async () => {
    const store = inMemoryEventStore();
    expect(await readLogIdentity(store)).to.equal(null);
    const first = randomUUID();
    expect(await readOrMakeLogIdentity(store, first)).to.equal(first);
    expect(await readOrMakeLogIdentity(store, randomUUID())).to.equal(first);
    expect(await readLogIdentity(store)).to.equal(first);
  });

  it('is the same for all that race to create it', async () => {
    const store = inMemoryEventStore();
    const ids = await Promise.all(
      Array.from({ length: 10 }, () => readOrMakeLogIdentity(store, randomUUID())),
    );
    expect(new Set(ids)).to.have.property('size', 1);
    expect(store.log).to.have.length(1);
  });

  it('is known even when the response to its creation was lost', async () => {
    const store = inMemoryEventStore();
    const id = randomUUID();
    const lossy: typeof store = {
      ...store,
      append: async (...call) => {
        await store.append(...call);
        throw new OutcomeUnknownError('The answer was lost.');
      },
    };
    expect(await readOrMakeLogIdentity(lossy, id)).to.equal(id);
  });

  it('is refused where the stream holds something else', async () => {
    const store = inMemoryEventStore();
    const event = { id: randomUUID(), type: 'LogIdentified', data: {}, metadata: {} };
    await store.append(LOG_IDENTITY_STREAM, 'no_stream', [event]);
    const error: unknown = await readOrMakeLogIdentity(store, randomUUID()).catch(
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(PortError).and.have.property('code', 'CORRUPT');
  });
});
