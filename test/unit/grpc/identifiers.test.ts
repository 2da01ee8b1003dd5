import { expect } from 'chai';
import fc from 'fast-check';
import {
  identifierOf,
  streamNameOf,
  uuidMessage,
  uuidOf,
} from '../../../src/embedded-eventstore/grpc/request-shapes.js';
import { RpcError } from '../../../src/embedded-eventstore/grpc/rpc-error.js';

const NIL = '00000000-0000-0000-0000-000000000000';

describe('identifiers on the wire', () => {
  for (const form of ['string', 'structured'] as const) {
    it(`keep an id as ${form}`, () => {
      fc.assert(
        fc.property(fc.uuid(), (id) => {
          expect(uuidOf(uuidMessage(id, form), 'An id')).to.equal(id);
        }),
      );
    });
  }

  for (const id of [
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
    '80000000-0000-0000-7fff-ffffffffffff',
  ]) {
    it(`keep ${id} as bits`, () => {
      expect(uuidOf(uuidMessage(id, 'structured'), 'An id')).to.equal(id);
    });
  }

  it('are one id in either case of its letters', () => {
    const id = uuidMessage('ABCDEF01-2345-6789-ABCD-EF0123456789', 'string');
    expect(uuidOf(id, 'An id')).to.equal('abcdef01-2345-6789-abcd-ef0123456789');
  });

  it('are refused where the id is missing', () => {
    for (const id of [undefined, uuidMessage(NIL, 'string'), uuidMessage(NIL, 'structured')]) {
      expect(() => uuidOf(id, 'An event id')).to.throw(RpcError, 'An event id must be a UUID');
    }
  });

  it('keep the name of a stream', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 50 }), (name) => {
        fc.pre(!name.includes('\0'));
        expect(streamNameOf(identifierOf(name))).to.equal(name);
      }),
    );
    expect(streamNameOf(identifierOf('\uFEFFname'))).to.equal('\uFEFFname');
  });
});
