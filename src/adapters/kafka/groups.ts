import kafkajs from 'kafkajs';
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
      throw error;
    }
  });
