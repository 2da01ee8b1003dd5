import type { EventRow } from './sandbox-runner.js';

/**
 * Runs inside the sandbox, where it is passed as text: it may use nothing from outside. An event as handlers
 * see it, which cannot be changed; what its texts hold is parsed when somebody looks.
 */
export const createEvents = (
  category: string | null,
  fatal: (message: string) => never,
): ((event: EventRow, partition: string) => object) => {
  const { parse } = JSON;
  const { freeze } = Object;
  const CLASSES: Record<string, string> = {
    string: 'JsString',
    number: 'JsNumber',
    boolean: 'JsBoolean',
    object: 'JsNull',
  };
  /** The bodies of the last event, so that a handler gets the same object each time. */
  let parsedFor: object | undefined;
  let parsed: Record<string, unknown> = {};

  const parsedOnce = (event: object, name: string, read: () => unknown): unknown => {
    if (parsedFor !== event) {
      parsedFor = event;
      parsed = {};
    }
    return (parsed[name] ??= read());
  };

  const bodyIn = (text: string): unknown => {
    const body = parse(text) as unknown;
    if (typeof body === 'object' && body !== null) return body;
    return fatal(
      `Unable to cast object of type 'Jint.Native.${String(CLASSES[typeof body])}' ` +
        "to type 'Jint.Native.Object.ObjectInstance'.",
    );
  };

  class ProjectionEvent {
    readonly partition: string;
    readonly bodyRaw: string;
    readonly metadataRaw: string;
    readonly streamId: string;
    readonly eventId: string;
    readonly eventType: string;
    readonly linkMetadataRaw: string;
    readonly isJson: boolean;
    readonly category: string | null;
    readonly sequenceNumber: number;

    constructor(event: EventRow, partition: string) {
      this.partition = partition;
      this.bodyRaw = event[4];
      this.metadataRaw = event[5];
      this.streamId = event[0];
      this.eventId = event[6];
      this.eventType = event[2];
      this.linkMetadataRaw = event[7];
      this.isJson = event[3];
      this.category = category;
      this.sequenceNumber = event[1];
      freeze(this);
    }

    get data(): unknown {
      if (!this.isJson) return undefined;
      return parsedOnce(this, 'body', () => bodyIn(this.bodyRaw));
    }

    get body(): unknown {
      return this.data;
    }

    get metadata(): unknown {
      return parsedOnce(this, 'metadata', () => parse(this.metadataRaw) as unknown);
    }

    get linkMetadata(): unknown {
      return parsedOnce(this, 'link', () => parse(this.linkMetadataRaw) as unknown);
    }
  }

  return (event, partition) => new ProjectionEvent(event, partition);
};
