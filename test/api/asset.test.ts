import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { request, type IncomingHttpHeaders } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import { Router } from 'express';
import { serveAsset } from '../../src/platform/http/asset.js';
import { serveRouters } from '../support/http.js';

const TEXT = 'as it is, '.repeat(500);

describe('an asset', () => {
  let server: Awaited<ReturnType<typeof serveRouters>>;
  let loads = 0;
  let failures = 1;

  before(async () => {
    const router = Router();
    const load = (): Buffer => {
      loads += 1;
      return Buffer.from(TEXT);
    };
    router.get('/asset', serveAsset({ type: 'text/plain; charset=utf-8', load }));
    const loadAtLast = (): Promise<Buffer> =>
      failures-- > 0
        ? Promise.reject(new Error('no such file'))
        : Promise.resolve(Buffer.from('x'));
    router.get('/late', serveAsset({ type: 'text/plain', load: loadAtLast }));
    server = await serveRouters([router]);
  });
  after(() => server.stop());

  interface Answer {
    readonly status: number | undefined;
    readonly headers: IncomingHttpHeaders;
    readonly body: Buffer;
  }

  /** What comes over the wire: fetch would ask for codings itself, and undo them. */
  const ask = (headers: Record<string, string>, method = 'GET', path = '/asset') =>
    new Promise<Answer>((resolve, reject) => {
      request(`${server.url}${path}`, { method, headers }, (res) => {
        buffer(res).then(
          (body) => resolve({ status: res.statusCode, headers: res.headers, body }),
          reject,
        );
      })
        .on('error', reject)
        .end();
    });

  const decode = ({ headers, body }: Answer): string => {
    const coding = headers['content-encoding'];
    if (coding === 'br') return brotliDecompressSync(body).toString();
    return (coding === 'gzip' ? gunzipSync(body) : body).toString();
  };

  for (const [accepted, coding] of [
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip', 'gzip'],
    ['br;q=0.5, gzip', 'gzip'],
    ['br;q=0, gzip;q=0.1', 'gzip'],
    ['GZIP', 'gzip'],
    ['*', 'br'],
    ['*;q=0.1, identity', undefined],
    ['identity', undefined],
    ['', undefined],
    ['deflate', undefined],
    ['br;q=0, *;q=0, identity', undefined],
    ['gzip, identity;q=0', 'gzip'],
  ] as const) {
    it(`is sent ${coding ?? 'unencoded'} for Accept-Encoding "${accepted}"`, async () => {
      const answer = await ask({ 'Accept-Encoding': accepted });
      expect(answer.status).to.equal(200);
      expect(answer.headers['content-encoding']).to.equal(coding);
      expect(answer.headers.vary).to.equal('Origin, Accept-Encoding');
      expect(answer.headers['content-length']).to.equal(String(answer.body.length));
      expect(decode(answer)).to.equal(TEXT);
    });
  }

  for (const accepted of ['identity;q=0', '*;q=0', 'br;q=0, gzip;q=0, identity;q=0']) {
    it(`is refused with 406 for Accept-Encoding "${accepted}"`, async () => {
      const answer = await ask({ 'Accept-Encoding': accepted });
      expect(answer.status).to.equal(406);
      expect(answer.headers['content-type']).to.equal('application/problem+json');
      expect(answer.headers.vary).to.equal('Origin, Accept-Encoding');
    });
  }

  it('has a strong ETag of its own for each coding', async () => {
    const tags = await Promise.all(
      ['br', 'gzip', 'identity'].map(async (coding) => {
        return (await ask({ 'Accept-Encoding': coding })).headers.etag;
      }),
    );
    for (const tag of tags) expect(tag).to.match(/^"[\w-]{43}"$/);
    expect(new Set(tags).size).to.equal(3);
  });

  it('is not sent again to a client that has it', async () => {
    const { headers } = await ask({ 'Accept-Encoding': 'br' });
    const etag = headers.etag ?? '';
    for (const condition of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await ask({
        'Accept-Encoding': 'br',
        'If-None-Match': condition,
        'Cache-Control': 'no-cache',
      });
      expect(again.status).to.equal(304);
      expect(again.body.length).to.equal(0);
      expect(again.headers).to.include({ etag, vary: 'Origin, Accept-Encoding' });
      expect(again.headers['cache-control']).to.equal('no-cache');
    }
    const changed = await ask({ 'Accept-Encoding': 'br', 'If-None-Match': '"other"' });
    expect(changed.status).to.equal(200);
    const otherCoding = await ask({ 'Accept-Encoding': 'gzip', 'If-None-Match': etag });
    expect(otherCoding.status).to.equal(200);
  });

  it('answers HEAD with the headers of GET', async () => {
    const [head, get] = await Promise.all(
      ['HEAD', 'GET'].map((method) => ask({ 'Accept-Encoding': 'gzip' }, method)),
    );
    expect(head?.body.length).to.equal(0);
    for (const name of ['etag', 'content-type', 'content-encoding', 'content-length', 'vary']) {
      expect(head?.headers[name], name).to.equal(get?.headers[name]).and.be.a('string');
    }
  });

  it('is loaded once for each coding, at the first request', async () => {
    await Promise.all(['br', 'br', 'gzip', ''].map((coding) => ask({ 'Accept-Encoding': coding })));
    expect(loads).to.equal(3);
  });

  it('is loaded again after a failure', async () => {
    expect((await ask({}, 'GET', '/late')).status).to.equal(500);
    expect((await ask({}, 'GET', '/late')).status).to.equal(200);
  });
});
