import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import express, { Router } from 'express';
import { pageSecurityHeaders } from '../platform/security-headers.js';
import { openApi } from './openapi.js';

/** Only located: importing the package would load the whole page's script into this process. */
const SWAGGER_UI = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

/** Loads our document into the page, instead of the demonstration that it comes with. */
const INITIALIZER = `window.onload = () => {
  window.ui = SwaggerUIBundle({
    url: '/openapi.json',
    dom_id: '#swagger-ui',
    deepLinking: true,
    presets: [SwaggerUIBundle.presets.apis],
  });
};
`;

/** `/openapi.json` everywhere; its rendering at `/docs`, from this host alone, outside production. */
export const docsRoutes = (options: {
  readonly version: string;
  readonly production: boolean;
}): Router => {
  const router = Router({ caseSensitive: true });
  const document = JSON.stringify(openApi(options.version));

  router.get('/openapi.json', (_req, res) => void res.type('json').send(document));

  if (!options.production) {
    router.get(
      '/docs/swagger-initializer.js',
      (_req, res) => void res.type('js').send(INITIALIZER),
    );
    router.use('/docs', pageSecurityHeaders(), express.static(SWAGGER_UI));
  }
  return router;
};
