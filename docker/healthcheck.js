// The image's health check, for every role: a container's servers are those of its ports that are
// open, and each of them must answer the path (/live, or what the arguments say) with success.
import { loadConfig } from '../dist/src/platform/config/config.js';

const [path = '/live'] = process.argv.slice(2);
const { commandPort, queryPort, bridgePort, projectorPort } = loadConfig();

/** Whether the server is well; undefined where nothing listens, which is another role's port. */
const answer = async (port) => {
  try {
    const signal = AbortSignal.timeout(4000);
    return (await fetch(`http://127.0.0.1:${port}${path}`, { signal })).ok;
  } catch (error) {
    return error.cause?.code === 'ECONNREFUSED' ? undefined : false;
  }
};

const answers = await Promise.all([commandPort, queryPort, bridgePort, projectorPort].map(answer));
const servers = answers.filter((well) => well !== undefined);
process.exit(servers.length > 0 && servers.every(Boolean) ? 0 : 1);
