import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { clientTypes } from '../../scripts/support/client-types.js';

const ROOT = new URL('../../../', import.meta.url);
const BUNDLE = readFileSync(new URL('dist/client/index.js', ROOT));

describe('the client', () => {
  it('has the types of the APIs, which `npm run client:types` writes', async function () {
    this.timeout(60_000);
    for (const [path, text] of await clientTypes(ROOT)) {
      expect(readFileSync(new URL(path, ROOT), 'utf8'), path).to.equal(text);
    }
  });

  it('is one file that imports nothing', () => {
    expect(BUNDLE.toString()).not.to.match(/\bimport\b|\brequire\(/);
  });

  it('has at most 5,200 bytes, compressed', () => {
    expect(gzipSync(BUNDLE, { level: 9 }).length).to.be.at.most(5200);
  });
});
