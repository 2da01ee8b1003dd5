import { resolve } from 'node:path';
import type { Config } from '../platform/config/config.js';
import { VERSION } from '../platform/package.js';
import type { Server } from './servers.js';

/**
 * Where the parts of this process are, filled in as they open; those that another process runs are
 * missing.
 */
export interface Addresses {
  commands?: string;
  queries?: string;
  /** Health and metrics of a part that serves nothing else. */
  probes?: string;
  /** Without credentials; null where it is in this process alone. */
  eventStore?: string | null;
  /** What a browser can open of the embedded event store. */
  eventStorePage?: string;
}

const EMBEDDED_ONLY = 'in this process only (EVENTSTORE_PORT=0)';

/** What a person reads once everything is up: where it is and what to paste. */
export const banner = (addresses: Readonly<Addresses>, role: string, config: Config): string => {
  const { commands, queries, probes, eventStore } = addresses;
  const outsideProduction = (text: string): string =>
    config.env === 'production' ? '' : `   (${text})`;
  const places = [
    commands && `Command API   ${commands}${outsideProduction(`its page: ${commands}/docs`)}`,
    queries && `GraphQL       ${queries}/graphql${outsideProduction('in a browser: GraphiQL')}`,
    probes && `Health        ${probes}/health`,
    eventStore !== undefined && `Event store   ${eventStore ?? EMBEDDED_ONLY}`,
    role === 'all' && `Data          ${resolve(config.dataDir)}`,
  ];
  const examples = [
    commands &&
      `curl -X POST ${commands}/click -H 'Content-Type: application/json' -d '{"anime_id": 1, "user_id": "user123"}'`,
    queries &&
      `curl ${queries}/graphql -H 'Content-Type: application/json' -d '{"query": "{ animeStats(animeId: 1) { totalClicks totalViews } }"}'`,
  ];
  const paragraphs = [places, examples].map(indented).filter((text) => text !== '');
  return `${titleOf(role)} is ready.\n\n${paragraphs.join('\n')}\nCtrl-C stops it.\n`;
};

/** What a person reads where a server does not answer at the start. */
export const waitingBanner = (
  { commands, queries, probes }: Readonly<Addresses>,
  role: string,
  missing: readonly Pick<Server, 'name' | 'at'>[],
): string => {
  const named = missing.map(({ name, at }) => `${name} at ${at}`);
  const servers = new Intl.ListFormat('en-GB', { type: 'conjunction' }).format(named);
  const health = [commands ?? queries ?? probes].map((url) => url && `Health        ${url}/health`);
  return `${titleOf(role)} is waiting for ${servers}.\n\n${indented(health)}\nCtrl-C stops it.\n`;
};

const titleOf = (role: string): string =>
  `Anime Analytics ${VERSION}${role === 'all' ? '' : ` (${role})`}`;

const indented = (lines: readonly (string | false | undefined)[]): string =>
  lines.flatMap((line) => (line ? [`  ${line}\n`] : [])).join('');
