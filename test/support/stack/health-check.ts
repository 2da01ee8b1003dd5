import { execFile } from 'node:child_process';
import { freePort } from '../free-port.js';
import type { ServiceProcess } from '../service-process.js';
import type { ComposePart, Part } from './compose-parts.js';

/** The variable of the port that each part answers health checks on. */
const PORT_OF: Readonly<Record<Part, string>> = {
  'command-api': 'COMMAND_PORT',
  bridge: 'BRIDGE_PORT',
  projector: 'PROJECTOR_PORT',
  'query-api': 'QUERY_PORT',
};

/** Where a part answers health checks. */
export const originOf = ({ commandUrl, healthUrl, queryUrl }: ServiceProcess): string =>
  new URL(commandUrl || healthUrl || queryUrl).origin;

/**
 * Runs the check that the Compose file has for the part, as its container would, where the ports of
 * the other parts are closed. Resolves with the exit code.
 */
export const checkHealth = async (
  part: Part,
  { environment, healthcheck }: ComposePart,
  service: ServiceProcess,
  path: string | undefined,
): Promise<number> => {
  const ports: NodeJS.ProcessEnv = {};
  for (const variable of Object.values(PORT_OF)) ports[variable] = String(await freePort());
  ports[PORT_OF[part]] = new URL(originOf(service)).port;
  const args = path === undefined ? healthcheck : [...healthcheck.slice(0, -1), path];
  const env = { PATH: process.env['PATH'], ...environment, ...ports };
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env }).once('exit', (code) => resolve(code ?? -1));
  });
};
