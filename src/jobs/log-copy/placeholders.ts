import { v5 } from 'uuid';
import type { EncodedEvent, RecordedEvent } from '../../ports/event-store.js';

/** Takes the place of an event that the source no longer has, so that those after it keep their revisions. */
const LEFT_OUT = 'RevisionLeftOut';

const PLACEHOLDERS = '2d0c5d8e-7a43-4f0b-9d0e-6c1f4f6f5b11';

const EMPTY_OBJECT = Buffer.from('{}');

/** It has the same id each time, so that it may be written again. */
export const placeholderAt = (stream: string, revision: bigint): EncodedEvent => ({
  id: v5(`${revision}@${stream}`, PLACEHOLDERS),
  type: LEFT_OUT,
  data: EMPTY_OBJECT,
  metadata: EMPTY_OBJECT,
  isJson: true,
});

export const isPlaceholder = ({ type, id, stream, revision }: RecordedEvent): boolean =>
  type === LEFT_OUT && id === placeholderAt(stream, revision).id;
