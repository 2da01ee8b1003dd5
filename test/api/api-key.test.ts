import { expect } from 'chai';
import { Router } from 'express';
import { callerOf, requireApiKey } from '../../src/platform/http/api-key.js';
import { serveRouters } from '../support/http.js';

const KEY = 'correct horse battery'.replaceAll(' ', '-');

const start = (keys: readonly string[]) => {
  const router = Router();
  router.get('/who', requireApiKey(keys), (_req, res) => void res.json(callerOf(res)));
  return serveRouters([router]);
};

describe('an API with keys', () => {
  it('is open where no key is set', async () => {
    const server = await start([]);
    try {
      expect(await (await fetch(`${server.url}/who`)).json()).to.equal('anonymous');
    } finally {
      await server.stop();
    }
  });

  describe('with API_KEYS set', () => {
    let server: Awaited<ReturnType<typeof start>>;
    before(async () => {
      server = await start(['another-key', KEY]);
    });
    after(() => server.stop());

    const who = (headers: Record<string, string>) => fetch(`${server.url}/who`, { headers });

    it('tells the caller by the key, in either header', async () => {
      const bearer = (await (await who({ authorization: `Bearer ${KEY}` })).json()) as string;
      const header = (await (await who({ 'x-api-key': KEY })).json()) as string;
      const other = (await (await who({ 'x-api-key': 'another-key' })).json()) as string;
      expect(bearer).to.match(/^[0-9a-f]{16}$/);
      expect(header).to.equal(bearer);
      expect(other).not.to.equal(bearer);
    });

    it('answers 401 without a key', async () => {
      const response = await who({});
      expect(response.status).to.equal(401);
      expect(response.headers.get('www-authenticate')).to.equal('Bearer realm="anime-analytics"');
      expect(await response.json()).to.include({ detail: 'An API key is required.' });
    });

    for (const headers of [
      { 'x-api-key': `${KEY}x` },
      { authorization: 'Bearer wrong' },
      { 'x-api-key': '' },
    ]) {
      it(`answers 401 for ${JSON.stringify(headers)}`, async () => {
        const response = await who(headers);
        expect(response.status).to.equal(401);
        expect(await response.json()).to.include({ detail: 'Unknown API key.' });
      });
    }
  });
});
