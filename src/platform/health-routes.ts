import { Router } from 'express';
import { requireApiKey } from './api-key.js';
import type { Health } from './health.js';
import type { PortMetrics } from './metrics.js';

/** Asked for by machines, and often: they are never limited. */
export const PROBES: readonly string[] = ['/health', '/ready', '/live', '/metrics'];

/** `/health` in detail, `/ready` for load balancers, `/live` for supervisors, `/metrics`. */
export const healthRoutes = (options: {
  readonly health: Health;
  readonly metrics: PortMetrics;
  readonly readerKeys?: readonly string[];
}): Router => {
  const { health, metrics } = options;
  const router = Router({ caseSensitive: true });

  router.get('/health', async (_req, res) => {
    const report = await health.report();
    res.status(report.status === 'unhealthy' ? 503 : 200).json(report);
  });

  router.get('/ready', async (_req, res) => {
    const { ready, reasons } = await health.readiness();
    if (!ready) res.setHeader('Retry-After', '5');
    res.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'not ready', reasons });
  });

  router.get('/live', (_req, res) => void res.json({ status: 'alive' }));

  router.get('/metrics', requireApiKey(options.readerKeys ?? []), async (_req, res) => {
    res.setHeader('Content-Type', metrics.contentType);
    res.end(await metrics.text());
  });

  return router;
};
