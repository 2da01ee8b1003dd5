import type { Role } from '../../../src/compose/roles.js';
import { environmentOf, readComposeFile } from '../compose-file.js';

export type Part = Exclude<Role, 'all'>;

/** In the order in which they are started; any other works too. */
export const PARTS: readonly Part[] = ['command-api', 'bridge', 'projector', 'query-api'];

/** How the Compose file starts a part, and how it asks whether it is well. */
export interface ComposePart {
  /** What stands behind `serve`. */
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  /** The arguments of Node. */
  readonly healthcheck: readonly string[];
}

export interface ComposePartOptions {
  /** Set outside of the containers: what the file hands on, or has a default for. */
  readonly outside: NodeJS.ProcessEnv;
  /** Where what the file says about containers is, in the place of each variable that it sets. */
  readonly instead: NodeJS.ProcessEnv;
}

/** Each part as the Compose file has it. Throws where the file starts it as something else. */
export const composeParts = async ({
  outside,
  instead,
}: ComposePartOptions): Promise<(part: Part) => ComposePart> => {
  const { services } = await readComposeFile(outside);
  return (part) => {
    const service = services[part];
    if (service === undefined) throw new Error(`The Compose file has no service ${part}.`);
    const given = environmentOf(service, outside);
    const replaced = Object.entries(instead).filter(([name]) => name in given);
    return {
      args: behind(['serve'], service.command),
      environment: { ...given, ...Object.fromEntries(replaced) },
      healthcheck: behind(['CMD', 'node'], service.healthcheck.test),
    };
  };
};

const behind = (
  beginning: readonly string[],
  command: readonly string[] = [],
): readonly string[] => {
  if (beginning.every((word, index) => command[index] === word)) {
    return command.slice(beginning.length);
  }
  throw new Error(`The Compose file says ${command.join(' ')}, not ${beginning.join(' ')} first.`);
};
