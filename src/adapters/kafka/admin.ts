import type { Admin } from 'kafkajs';
import { UnavailableError } from '../../ports/errors.js';
import { within } from '../../platform/within.js';
import type { Connect, KafkaClient } from './client.js';
import { busError, gone } from './errors.js';

/** Questions to the cluster, each with a deadline. */
export interface ClusterAdmin {
  ask<T>(question: (admin: Admin) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

interface Connected {
  readonly client: KafkaClient;
  readonly admin: Admin;
  readonly ready: Promise<void>;
}

export const createAdmin = (connect: Connect, timeoutMs: number): ClusterAdmin => {
  let current: Connected | null = null;
  let closed = false;

  const open = (): Connected => {
    const client = connect();
    const admin = client.kafka.admin();
    return { client, admin, ready: admin.connect() };
  };

  return {
    async ask(question) {
      if (closed) throw gone();
      const mine = (current ??= open());
      const late = () => new UnavailableError('Kafka did not answer in time.');
      try {
        const answer = mine.ready.then(() => question(mine.admin));
        return await within(timeoutMs, answer, late);
      } catch (error) {
        // It may hold on to a connection that is dead: the next question takes a new one.
        mine.client.cut();
        if (current === mine) current = null;
        throw busError(error);
      }
    },

    async close() {
      closed = true;
      const last = current;
      current = null;
      await last?.client.close(() => last.admin.disconnect());
    },
  };
};
