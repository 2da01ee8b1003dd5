import { expect } from 'chai';
import { Router } from 'express';
import { jsonBody } from '../../src/platform/http/json-body.js';
import { exchange, serveRouters } from '../support/http.js';

const serve = (options: Parameters<typeof serveRouters>[1] = {}) => {
  const router = Router();
  router.get('/here', (_req, res) => void res.json('here'));
  router.post('/echo', jsonBody({ limitBytes: 1024 }), (req, res) => void res.json(req.body));
  return serveRouters([router], options);
};

describe('the rules of a request', () => {
  const POST = 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n';
  const rest = 'GET /here HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
  for (const [name, request, status] of [
    ['no host', 'GET /here HTTP/1.1\r\n\r\n', 400],
    ['a transfer coding beneath chunked', `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n`, 501],
    ['an unknown one beneath it', `${POST}Transfer-Encoding: foo, chunked\r\n\r\n`, 501],
    ['a transfer coding that is not chunked', `${POST}Transfer-Encoding: gzip\r\n\r\n`, 400],
    ['an unknown one', `${POST}Transfer-Encoding: foo\r\n\r\n`, 400],
  ] as const) {
    it(`answer ${status} to ${name} as a problem, and close`, async () => {
      const server = await serve();
      try {
        const answer = await exchange(server.port, `${request}0\r\n\r\n${rest}`);
        expect(answer).to.match(new RegExp(`^HTTP/1\\.1 ${status} [^]*application/problem\\+json`));
        expect(answer)
          .to.match(/\r\nConnection: close\r\n/)
          .and.not.include('"here"');
      } finally {
        await server.stop();
      }
    });
  }

  it('take a chunked body and HTTP/1.0 without a host', async () => {
    const server = await serve();
    try {
      const chunked = `${POST}Transfer-Encoding: Chunked\r\n\r\n3\r\n"a"\r\n0\r\n\r\n`;
      expect(await exchange(server.port, chunked, rest)).to.match(/200 OK[^]*"a"[^]*"here"$/);
      expect(await exchange(server.port, 'GET /here HTTP/1.0\r\n\r\n')).to.match(/"here"$/);
    } finally {
      await server.stop();
    }
  });

  it('answer 417 to an expectation that is not known', async () => {
    const server = await serve();
    try {
      const request = 'GET /here HTTP/1.1\r\nHost: a\r\nExpect: magic\r\nConnection: close\r\n\r\n';
      expect(await exchange(server.port, request)).to.match(/^HTTP\/1\.1 417 [^]*problem\+json/);
    } finally {
      await server.stop();
    }
  });
});

describe('allowed hosts', () => {
  const ask = async (host: string, path = '/here', allowedHosts?: readonly string[]) => {
    const server = await serve({ allowedHosts });
    try {
      const request = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
      return await exchange(server.port, request);
    } finally {
      await server.stop();
    }
  };
  const HOSTS = ['command-api', '.example.com'];

  for (const host of [
    ...[
      'localhost',
      'LOCALHOST:8000',
      'localhost.',
      'anime.localhost:1',
      '127.0.0.1',
      '10.1.2.3:8000',
    ],
    ...[
      '[::1]',
      '[::1]:8000',
      'command-api:8000',
      'Command-API',
      'a.example.com',
      'a.b.example.com:443',
    ],
  ]) {
    it(`serve ${host}`, async () => {
      expect(await ask(host, '/here', HOSTS)).to.match(/^HTTP\/1\.1 200 /);
    });
  }

  for (const host of [
    ...['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', 'evillocalhost'],
    ...[
      'example.com',
      'a.example.com.evil.example',
      'a b',
      '[command-api]',
      '',
      '::1',
      'localhost@evil',
    ],
  ]) {
    it(`refuse ${host === '' ? 'an empty one' : host}`, async () => {
      const answer = await ask(host, '/here', HOSTS);
      expect(answer).to.match(/^HTTP\/1\.1 421 [^]*problem\+json[^]*name it in ALLOWED_HOSTS/);
    });
  }

  it('hold for the probes and metrics as well', async () => {
    for (const path of ['/live', '/health', '/metrics', '/', '/nothing']) {
      expect(await ask('evil.example', path, []), path).to.match(/^HTTP\/1\.1 421 /);
    }
  });

  it('are all where none are given', async () => {
    expect(await ask('evil.example')).to.match(/^HTTP\/1\.1 200 /);
  });
});
