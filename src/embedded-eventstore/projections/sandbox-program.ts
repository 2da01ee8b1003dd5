import { createDefinition } from './sandbox-definition.js';
import { createEffects } from './sandbox-effects.js';
import { createEvents, createValueWriter } from './sandbox-event.js';
import { createRunner } from './sandbox-runner.js';
import { createStates } from './sandbox-states.js';

/**
 * The program around a projection's text, as a text for the sandbox. It evaluates to a function from the
 * host's `load` to what the host calls; nothing of it is reachable from the projection.
 */
export const SANDBOX_PROGRAM = `'use strict';
(load, progressBuffer, refusal) => {
  const { stringify } = JSON;
  const ErrorOf = Error;
  const progress = new Int32Array(progressBuffer);
  let failure;
  const fatal = (message) => {
    failure ??= message;
    throw new ErrorOf(message);
  };
  const takeFatal = () => {
    const message = failure;
    failure = undefined;
    return message;
  };
  const write = (${createValueWriter.toString()})(fatal);
  const { handlers, sources, finish } = (${createDefinition.toString()})();
  const states = (${createStates.toString()})(load);
  const createEvents = ${createEvents.toString()};
  const createRunner = ${createRunner.toString()};
  let runner;
  (${createEffects.toString()})({
    write,
    fatal,
    refusal,
    add: (...given) => runner.add(...given),
    log: (text) => runner?.log(text),
  });
  const effects = {};
  for (const name of ['emit', 'linkTo', 'linkStreamTo', 'copyTo']) {
    effects[name] = globalThis[name];
    delete globalThis[name];
  }
  const define = () => {
    finish();
    const eventOf = createEvents(sources.category, fatal);
    runner = createRunner({
      handlers, sources, write, fatal, takeFatal, states, eventOf, progress,
    });
    Object.assign(globalThis, effects);
    // Only now: a query may extend them while it is evaluated, but not while it processes events.
    for (const shared of [Object, Array, Function, String, Number, Boolean, Date, Map, Set, RegExp]) {
      Object.preventExtensions(shared.prototype);
      Object.preventExtensions(shared);
    }
    Object.freeze(Map.prototype);
    return stringify(sources);
  };
  return [define, (batch) => runner.run(batch)];
}`;
