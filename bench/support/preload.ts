import { sendAll } from './http-load.js';
import { commandRequest } from './http-request.js';
import { listAnimes, settled, type Service } from './service.js';
import { createWorkload } from './workload.js';

/** Lists 1,000 anime and sends so many interactions; resolves when the read models show them. */
export const preload = async (service: Service, interactions: number): Promise<void> => {
  await listAnimes(service);
  const next = createWorkload({ seed: 42, popularity: 'zipf' });
  const requests = function* () {
    for (let count = 0; count < interactions; count += 1) yield commandRequest(next());
  };
  const statuses = await sendAll(service.commandPort, requests());
  if (statuses[201] !== interactions) {
    throw new Error(`Not every command was taken: ${JSON.stringify(statuses)}.`);
  }
  await settled(service);
};
