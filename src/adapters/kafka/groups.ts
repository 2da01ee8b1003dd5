import kafkajs from 'kafkajs';
import type { Offsets } from '../../ports/event-bus.js';
import type { ClusterAdmin } from './admin.js';

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
      // Its own error says nothing of why.
      throw error.groups[0]?.error ?? error;
    }
  });

export const committedBy = (admin: ClusterAdmin, group: string, topic: string): Promise<Offsets> =>
  admin.ask(async (kafka) => {
    const found = await kafka.fetchOffsets({ groupId: group, topics: [topic] });
    const places = found.flatMap(({ partitions }) => partitions);
    // -1 where nothing is committed, for a group that nobody knows as well.
    const known = places.filter(({ offset }) => BigInt(offset) >= 0n);
    return new Map(known.map(({ partition, offset }) => [partition, BigInt(offset)]));
  });

/** A group that nobody knows has none. */
export const membersOf = (admin: ClusterAdmin, group: string): Promise<number> =>
  admin.ask(async (kafka) => {
    const { groups } = await kafka.describeGroups([group]);
    return groups.reduce((sum, { members }) => sum + members.length, 0);
  });
