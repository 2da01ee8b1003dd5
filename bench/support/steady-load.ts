import { parseArgs } from 'node:util';
import { runLoad } from './http-load.js';
import { commandRequest } from './http-request.js';
import { createWorkload } from './workload.js';

/**
 * Commands at a steady rate, from a process of its own, so that whoever measures is not held up by
 * them. Prints the result as one line of JSON.
 */

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    'per-second': { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '20' },
    animes: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    connections: { type: 'string', default: '64' },
  },
});

const animes = values.animes.split(',').map(Number);
const workload = createWorkload({
  seed: Number(values.seed),
  popularity: 'zipf',
  animes: animes.length,
});
/** The workload counts anime from 1; catalogues have gaps between their ids. */
const next = () => {
  const interaction = workload();
  return commandRequest({ ...interaction, animeId: animes[interaction.animeId - 1] ?? 1 });
};
const result = await runLoad({
  port: Number(values.port),
  next,
  perSecond: Number(values['per-second']),
  connections: Number(values.connections),
  durationMs: Number(values.seconds) * 1000,
});
console.log(JSON.stringify(result));
