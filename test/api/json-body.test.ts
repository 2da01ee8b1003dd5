import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { Router } from 'express';
import { BEACON_TYPES, jsonBody } from '../../src/platform/http/json-body.js';
import { expectProblem, serveRouters } from '../support/http.js';

const routes = (): Router => {
  const router = Router();
  const beacon = jsonBody({ limitBytes: 1024, types: BEACON_TYPES });
  router.post('/echo', jsonBody({ limitBytes: 1024 }), (req, res) => void res.json(req.body));
  router.post('/beacon', beacon, (req, res) => void res.json(req.body));
  return router;
};

describe('reading a JSON body', () => {
  let server: Awaited<ReturnType<typeof serveRouters>>;
  before(async () => (server = await serveRouters([routes()])));
  after(() => server.stop());

  const post = (
    body: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = {},
    path = '/echo',
  ) =>
    fetch(`${server.url}${path}`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers },
    });

  it('accepts JSON', async () => {
    expect(await (await post('{"a":"ä"}')).json()).to.deep.equal({ a: 'ä' });
  });

  for (const [name, send, status, detail] of [
    ['no JSON', () => post('{"a":'), 400, 'The body is not valid JSON.'],
    ['nothing', () => post(''), 400, 'The body is empty.'],
    [
      'bytes that are not UTF-8',
      () => post(new Uint8Array([0x22, 0xff, 0x22])),
      400,
      'The body is not valid UTF-8.',
    ],
    [
      'a broken compression',
      () => post('{}', { 'content-encoding': 'gzip' }),
      400,
      'The request cannot be read.',
    ],
    ['too much', () => post(`"${'x'.repeat(2000)}"`), 413, 'The body is too large.'],
    [
      'a small body that inflates to too much',
      () => post(gzipSync(`"${'x'.repeat(5_000_000)}"`), { 'content-encoding': 'gzip' }),
      413,
      'The body is too large.',
    ],
    [
      'another content type',
      () => post('{}', { 'content-type': 'text/plain' }),
      415,
      'The body must be JSON, with the content type application/json.',
    ],
    [
      'another charset',
      () => post('{}', { 'content-type': 'application/json; charset=utf-16' }),
      415,
      'The body must be encoded in UTF-8.',
    ],
    [
      'an unknown charset',
      () => post('{}', { 'content-type': 'application/json; charset=utf-nonsense' }),
      415,
      'The body must be encoded in UTF-8.',
    ],
    [
      'a quoted charset that is another',
      () => post('{}', { 'content-type': 'application/json; a="b;c"; CHARSET="iso-8859-1"' }),
      415,
      'The body must be encoded in UTF-8.',
    ],
    [
      'a byte order mark alone',
      () => post(new Uint8Array([0xef, 0xbb, 0xbf])),
      400,
      'The body is empty.',
    ],
    [
      'UTF-16 with its byte order mark',
      () => post(new Uint8Array([0xff, 0xfe, 0x7b, 0, 0x7d, 0])),
      400,
      'The body is not valid UTF-8.',
    ],
    [
      'an unknown encoding',
      () => post('{}', { 'content-encoding': 'sdch' }),
      415,
      'The content encoding of the body is not supported.',
    ],
  ] as const) {
    it(`answers ${status} for ${name}`, async () => {
      await expectProblem(await send(), status, detail);
    });
  }

  for (const type of [
    'application/json; charset="utf-8"',
    'application/json;charset=UTF-8',
    'application/json; charset=utf8',
    'Application/JSON; profile="a;charset=latin1"; charset="utf-8"',
  ]) {
    it(`accepts JSON sent as ${type}`, async () => {
      const response = await post('{"a":"ä"}', { 'content-type': type });
      expect(await response.json()).to.deep.equal({ a: 'ä' });
    });
  }

  it('accepts JSON after a UTF-8 byte order mark', async () => {
    expect(await (await post('\uFEFF{"a":1}')).json()).to.deep.equal({ a: 1 });
  });

  it('accepts compressed JSON', async () => {
    const response = await post(gzipSync('{"a":1}'), { 'content-encoding': 'gzip' });
    expect(await response.json()).to.deep.equal({ a: 1 });
  });
  const beacon = (type: string) => post('{"a":"ä"}', { 'content-type': type }, '/beacon');

  for (const type of [
    'application/json',
    'application/vnd.api+json',
    'application/cloudevents+json; charset=utf-8',
    'text/plain;charset=UTF-8',
    'TEXT/PLAIN',
  ]) {
    it(`of a beacon accepts JSON sent as ${type}`, async () => {
      expect(await (await beacon(type)).json()).to.deep.equal({ a: 'ä' });
    });
  }

  for (const type of [
    'application/x-www-form-urlencoded',
    'text/html',
    'text/plain-json',
    'application/jsonp',
    'application/+json',
    'multipart/form-data; boundary=text/plain',
  ]) {
    it(`of a beacon answers 415 for JSON sent as ${type}`, async () => {
      await expectProblem(
        await beacon(type),
        415,
        'The body must be JSON, with the content type application/json, application/*+json or text/plain.',
      );
    });
  }

  it('survives the deepest JSON that fits', async () => {
    const deep = '['.repeat(500) + ']'.repeat(500);
    expect((await post(deep)).status).to.equal(200);
  });
});
