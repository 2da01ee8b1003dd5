import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { OutcomeUnknownError, PortError, UnavailableError } from '../../src/ports/errors.js';
import type { EventStore } from '../../src/ports/event-store.js';
import {
  LOG_IDENTITY_STREAM,
  readLogIdentity,
  readOrMakeLogIdentity,
} from '../../src/compose/log-identity.js';
import { inMemoryEventStore } from '../support/in-memory-event-store.js';
import { rejectionOf } from '../support/rejection-of.js';

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

  it('is given up where its creation stays unknown, and at once where it fails', async () => {
    for (const [error, attempts] of [
      [new OutcomeUnknownError('The answer was lost.'), 5],
      [new UnavailableError('The store is away.'), 1],
    ] as const) {
      let appends = 0;
      const lossy: EventStore = {
        ...inMemoryEventStore(),
        append: () => {
          appends += 1;
          return Promise.reject(error);
        },
      };
      expect(await rejectionOf(readOrMakeLogIdentity(lossy, randomUUID()))).to.equal(error);
      expect(appends).to.equal(attempts);
    }
  });

  for (const [what, type, data] of [
    ['no id', 'LogIdentified', {}],
    ['an empty id', 'LogIdentified', { logId: '' }],
    ['an id that is no text', 'LogIdentified', { logId: 7 }],
    ['no object', 'LogIdentified', []],
    ['another event', 'SomethingElse', { logId: 'a-log' }],
  ] as const) {
    it(`is refused where the stream holds ${what}`, async () => {
      const store = inMemoryEventStore();
      const stored = new TextEncoder().encode(JSON.stringify(data));
      store.record(LOG_IDENTITY_STREAM, { id: randomUUID(), type, data: stored, metadata: {} });
      const error = await rejectionOf(readOrMakeLogIdentity(store, randomUUID()));
      expect(error).to.be.instanceOf(PortError);
      expect(error).to.deep.include({ code: 'CORRUPT', retriable: false, context: { type } });
    });
  }
});
