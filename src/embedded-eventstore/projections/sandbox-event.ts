import type { EventRow } from './sandbox-runner.js';

/**
 * Runs inside the sandbox, where it is passed as text: it may use nothing from outside. An event as handlers
 * see it: immutable, with bodies that are parsed on first access.
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
  /** The parsed bodies of the last event: each access returns the same object. */
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

/**
 * Runs inside the sandbox, where it is passed as text: it may use nothing from outside. Serialises values
 * as EventStoreDB does: undefined members are omitted, a bigint becomes a string, a Date an empty object; a value
 * without a JSON form is a fault, not null.
 */
export const createValueWriter = (
  fatal: (message: string) => never,
): ((value: unknown) => string) => {
  const quote: (text: string) => string = JSON.stringify;
  const { isArray } = Array;
  const { keys, getPrototypeOf, prototype: plain } = Object;
  const { prototype: dates } = Date;
  const MAX_DEPTH = 64;
  const NOT_FINITE =
    '.NET number values such as positive and negative infinity cannot be written as valid JSON. ' +
    "To make it work when using 'JsonSerializer', consider specifying " +
    "'JsonNumberHandling.AllowNamedFloatingPointLiterals' (see " +
    'https://docs.microsoft.com/dotnet/api/system.text.json.serialization.jsonnumberhandling).';
  let names: Record<string, string> = { __proto__: null } as never;
  let known = 0;

  const quoteName = (name: string): string => {
    const found = names[name];
    if (found !== undefined) return found;
    if (known++ === 1000) {
      names = { __proto__: null } as never;
      known = 0;
    }
    return (names[name] = quote(name) + ':');
  };

  const writeNumber = (value: number): string => {
    if (value - value !== 0) return fatal(NOT_FINITE);
    return value === 0 && 1 / value < 0 ? '-0' : `${value}`;
  };

  const writeArray = (items: readonly unknown[], depth: number): string => {
    let text = '[';
    for (let i = 0; i < items.length; i++) {
      text += (i === 0 ? '' : ',') + write(items[i], depth);
    }
    return text + ']';
  };

  const writeObject = (value: object, depth: number): string => {
    const prototype: unknown = getPrototypeOf(value);
    if (prototype === dates) return '{}';
    if (prototype !== plain && prototype !== null) assertPlain(value);
    const own = keys(value);
    let text = '';
    for (let i = 0; i < own.length; i++) {
      const name = own[i] as string;
      const item = (value as Record<string, unknown>)[name];
      if (item === undefined) continue;
      text += (text === '' ? '' : ',') + quoteName(name) + write(item, depth);
    }
    return '{' + text + '}';
  };

  /** Accepts instances of the projection's own classes, but no built-ins that hide their content. */
  const assertPlain = (value: object): void => {
    const kinds = [Map, Set, WeakMap, WeakSet, Promise, RegExp, ArrayBuffer, Int8Array, Error];
    for (const kind of kinds) {
      if (value instanceof kind)
        fatal(`A ${kind.name} in a state, result or event is not supported.`);
    }
  };

  const write = (value: unknown, depth: number): string => {
    switch (typeof value) {
      case 'string':
        return quote(value);
      case 'number':
        return writeNumber(value);
      case 'boolean':
        return value ? 'true' : 'false';
      case 'bigint':
        return `"${value}"`;
      case 'undefined':
        return 'null';
      case 'object':
        if (value === null) return 'null';
        if (depth === MAX_DEPTH) return fatal('Index was outside the bounds of the array.');
        return isArray(value) ? writeArray(value, depth + 1) : writeObject(value, depth + 1);
      default:
        return fatal(`A ${typeof value} in a state, result or event is not supported.`);
    }
  };

  return (value) => write(value, 0);
};
