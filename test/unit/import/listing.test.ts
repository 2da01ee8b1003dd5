import { expect } from 'chai';
import { listThrough, type Handled, type ListingHandler } from '../../../src/import/listing.js';
import { PortError } from '../../../src/ports/errors.js';
import { commands } from '../../support/examples.js';
import { rejectionOf } from '../../support/rejection-of.js';

const answered = (handled: Handled) =>
  listThrough({ handle: () => Promise.resolve(handled) }, 'import-1')(commands.list);

const refused = (code: 'ANIME_DELISTED' | 'INVALID_RATING'): Handled => ({
  kind: 'rejected',
  rejection: { code, reason: 'No.' },
});

describe('listThrough', () => {
  it('sends the command with the correlation id of the import', async () => {
    const seen: unknown[] = [];
    const handler: ListingHandler = {
      handle: (command, options) => {
        seen.push(command, options);
        return Promise.resolve({ kind: 'unchanged' });
      },
    };
    await listThrough(handler, 'import-1')(commands.list);
    expect(seen).to.deep.equal([commands.list, { correlationId: 'import-1' }]);
  });

  for (const [what, handled, outcome] of [
    ['a listing', { kind: 'accepted', type: 'AnimeListed' }, 'listed'],
    ['a revision', { kind: 'accepted', type: 'AnimeDetailsRevised' }, 'revised'],
    ['known details', { kind: 'unchanged' }, 'unchanged'],
    ['a delisted anime', refused('ANIME_DELISTED'), 'delisted'],
  ] as const) {
    it(`takes ${what} for ${outcome}`, async () => {
      expect(await answered(handled)).to.equal(outcome);
    });
  }

  for (const [kind, code, retriable] of [
    ['conflict', 'CONFLICT', false],
    ['overloaded', 'UNAVAILABLE', true],
    ['unavailable', 'UNAVAILABLE', true],
    ['outcome-unknown', 'OUTCOME_UNKNOWN', true],
    ['gone', 'STREAM_DELETED', false],
    ['unreadable', 'CORRUPT', false],
    ['truncated', 'CORRUPT', false],
    ['access-denied', 'ACCESS_DENIED', false],
    ['refused-by-store', 'NOT_SUPPORTED', false],
    ['too-large', 'TOO_LARGE', false],
  ] as const) {
    it(`takes ${kind} for ${code}`, async () => {
      expect(await rejectionOf(answered({ kind })))
        .to.be.an.instanceOf(PortError)
        .and.include({ code, retriable });
    });
  }

  for (const handled of [
    { kind: 'precondition-failed' },
    { kind: 'key-reused' },
    refused('INVALID_RATING'),
  ] as const) {
    it(`takes ${handled.kind} that cannot be for a bug`, async () => {
      const error = await rejectionOf(answered(handled));
      expect(error).to.be.an.instanceOf(Error).and.not.an.instanceOf(PortError);
    });
  }
});
