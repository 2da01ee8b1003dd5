import type { Runner } from './sandbox-runner.js';

export const EMIT_REFUSED = "'emit' is not allowed by the projection/configuration/mode";

/**
 * Runs inside the sandbox, where it is passed as text: it may use nothing from outside. Declares `emit`,
 * `linkTo`, `linkStreamTo`, `copyTo` and `log`. Their errors are EventStoreDB's; a projection cannot catch them.
 */
export const createEffects = (parts: {
  readonly write: (value: unknown) => string;
  readonly fatal: (message: string) => never;
  /** If set, emitting anything is a fault with this message. */
  readonly refusal: string | null;
  readonly add: Runner['add'];
  readonly log: Runner['log'];
}): void => {
  const { write, fatal, refusal, log } = parts;
  const { keys } = Object;
  const { stringify } = JSON;

  const add: Runner['add'] = (...effect) => {
    if (refusal !== null) fatal(refusal);
    parts.add(...effect);
  };

  const nonEmpty = (value: unknown, name: string): string => {
    if (typeof value === 'string' && value.trim() !== '') return value;
    return value === null || value === undefined || typeof value === 'string'
      ? fatal(`Value cannot be null. (Parameter '${name}')`)
      : fatal(`string expected (Parameter '${name}')`);
  };

  const nonNull = (value: unknown, name: string): object => {
    if (value === null || value === undefined) {
      return fatal(`Value cannot be null. (Parameter '${name}')`);
    }
    const isObject = typeof value === 'object' || typeof value === 'function';
    return isObject ? value : fatal(`object expected (Parameter '${name}')`);
  };

  const metadataOf = (value: object): string => {
    let text = '';
    for (const name of keys(value)) {
      const item = (value as Record<string, unknown>)[name];
      if (item !== undefined) text += `${text === '' ? '' : ','}${stringify(name)}:${write(item)}`;
    }
    return `{${text}}`;
  };

  const declare = (name: string, effect: (...given: readonly unknown[]) => void): void => {
    (globalThis as unknown as Record<string, unknown>)[name] = effect;
  };

  declare('emit', (...given) => {
    if (given.length < 3) fatal('invalid number of parameters');
    const stream = nonEmpty(given[0], 'streamId');
    const type = nonEmpty(given[1], 'eventName');
    const body = nonNull(given[2], 'eventBody');
    const metadata = given.length < 4 ? null : given[3];
    if (given.length >= 4 && (typeof metadata !== 'object' || metadata === null)) {
      fatal("object expected (Parameter 'metadata')");
    }
    add(stream, type, true, write(body), metadata === null ? null : metadataOf(metadata as object));
  });

  declare('linkTo', (...given) => {
    if (given.length !== 2 && given.length !== 3) fatal('wrong number of parameters');
    const stream = nonEmpty(given[0], 'streamId');
    const event = nonNull(given[1], 'event') as {
      readonly sequenceNumber?: unknown;
      readonly streamId?: unknown;
    };
    const { sequenceNumber, streamId } = event;
    if (typeof sequenceNumber !== 'number' || typeof streamId !== 'string') {
      fatal(`Invalid link to event ${String(sequenceNumber)}@${String(streamId)}`);
    }
    const metadata = given.length === 3 ? metadataOf(nonNull(given[2], 'metaData')) : null;
    add(stream, '$>', false, `${String(sequenceNumber)}@${String(streamId)}`, metadata);
  });

  declare('linkStreamTo', (...given) => {
    const stream = nonEmpty(given[0], 'streamId');
    const linked = nonEmpty(given[1], 'linkedStreamId');
    // EventStoreDB reads the metadata from the wrong argument, and so always fails.
    if (given.length === 3) fatal('The value is not an object');
    add(stream, '$@', false, linked, null);
  });

  // It does nothing on EventStoreDB either.
  declare('copyTo', () => undefined);

  const logText = (value: unknown): string =>
    typeof value === 'object' && value !== null ? write(value) : String(value);
  declare('log', (...given) => {
    if (given.length > 0) log(given.map(logText).join(' ,'));
  });
};
