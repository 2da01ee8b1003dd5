import { type JsonObject, jsonObjectIn } from '../ports/json.js';
import type { RecordedEvent } from '../ports/event-store.js';

/** Who was forgotten, by subject: a stream of its own, short enough to be read at every start. */
export const FORGOTTEN_STREAM = 'users-forgotten';

export const USER_FORGOTTEN = 'UserForgotten';
export const USER_FORGOTTEN_VERSION = 1;

export const encodeForgotten = (subject: string, occurredAt: string): JsonObject => ({
  schemaVersion: USER_FORGOTTEN_VERSION,
  subject,
  occurredAt,
});

/** The subject that an event of the stream forgets; undefined for any other event. */
export const forgottenSubjectIn = ({ type, data }: RecordedEvent): string | undefined => {
  const subject = type === USER_FORGOTTEN ? jsonObjectIn(data)?.['subject'] : undefined;
  return typeof subject === 'string' ? subject : undefined;
};
