import kafkajs, { type Admin } from 'kafkajs';
import { within } from '../../platform/async/abort.js';
import { UnavailableError } from '../../ports/errors.js';
import type { Offsets } from '../../ports/event-bus.js';
import type { Connect, KafkaClient } from './client.js';
import { busError, busClosed } from './errors.js';

/** Requests to the cluster, each with a deadline. */
export interface ClusterAdmin {
  ask<T>(request: (admin: Admin) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

interface Connected {
  readonly client: KafkaClient;
  readonly admin: Admin;
  readonly ready: Promise<void>;
}

const ADMIN_TIMEOUT_MS = 10_000;

export const createAdmin = (connect: Connect, timeoutMs = ADMIN_TIMEOUT_MS): ClusterAdmin => {
  let current: Connected | null = null;
  let closed = false;

  const open = (): Connected => {
    const client = connect();
    const admin = client.kafka.admin();
    return { client, admin, ready: admin.connect() };
  };

  return {
    async ask(request) {
      if (closed) throw busClosed();
      const mine = (current ??= open());
      const late = () => new UnavailableError('Kafka did not answer in time.');
      try {
        const answer = mine.ready.then(() => request(mine.admin));
        return await within(timeoutMs, answer, late);
      } catch (error) {
        // Its connection may be dead: the next request opens a new one.
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

const { KafkaJSDeleteGroupsError } = kafkajs;

// The broker's codes, https://kafka.apache.org/protocol#protocol_error_codes
const NON_EMPTY_GROUP = 68;
const GROUP_ID_NOT_FOUND = 69;

/** Deletes what a group has committed. False where the group has members. */
export const forgetGroup = (admin: ClusterAdmin, group: string): Promise<boolean> =>
  admin.ask(async (kafka) => {
    try {
      await kafka.deleteGroups([group]);
      return true;
    } catch (error) {
      if (!(error instanceof KafkaJSDeleteGroupsError)) throw error;
      const codes = error.groups.map(({ errorCode }) => errorCode);
      if (codes.includes(GROUP_ID_NOT_FOUND)) return true;
      if (codes.includes(NON_EMPTY_GROUP)) return false;
      // The error of kafkajs itself does not say why.
      throw error.groups[0]?.error ?? error;
    }
  });

export const committedBy = (admin: ClusterAdmin, group: string, topic: string): Promise<Offsets> =>
  admin.ask(async (kafka) => {
    const found = await kafka.fetchOffsets({ groupId: group, topics: [topic] });
    const places = found.flatMap(({ partitions }) => partitions);
    // -1 where nothing is committed, for an unknown group too.
    const known = places.filter(({ offset }) => BigInt(offset) >= 0n);
    return new Map(known.map(({ partition, offset }) => [partition, BigInt(offset)]));
  });

/** None for an unknown group. */
export const membersOf = (admin: ClusterAdmin, group: string): Promise<number> =>
  admin.ask(async (kafka) => {
    const { groups } = await kafka.describeGroups([group]);
    return groups.reduce((sum, { members }) => sum + members.length, 0);
  });
