import { expect } from 'chai';
import fc from 'fast-check';
import { MAX_ANIME_ID } from '../../src/domain/ids.js';
import { decodeCursor, encodeCursor } from '../../src/query-side/graphql/arguments.js';
import { animeId } from '../support/examples.js';

describe('cursor', () => {
  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: MAX_ANIME_ID }), (id) => {
        expect(decodeCursor(encodeCursor(animeId(id)))).to.equal(id);
      }),
    );
  });

  it('reads nothing that it did not write', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const id = decodeCursor(text);
        if (id !== undefined) expect(encodeCursor(id)).to.equal(text);
      }),
    );
  });

  for (const [name, text] of [
    ['an empty text', ''],
    ['a bare id', '1'],
    ['another prefix', Buffer.from('manga:1').toString('base64url')],
    ['an id of 0', Buffer.from('anime:0').toString('base64url')],
    ['an id beyond the largest', Buffer.from('anime:2147483648').toString('base64url')],
    ['a fraction', Buffer.from('anime:1.5').toString('base64url')],
    ['another writing of the same id', Buffer.from('anime:01').toString('base64url')],
    ['padding', `${Buffer.from('anime:1').toString('base64url')}==`],
  ] as const) {
    it(`refuses ${name}`, () => {
      expect(decodeCursor(text)).to.equal(undefined);
    });
  }
});
