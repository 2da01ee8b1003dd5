import { expect } from 'chai';
import { type ListingHandler, listThrough } from '../../../src/import/catalog-import.js';
import type { CommandResult, StreamProblem } from '../../../src/ports/command-result.js';
import { PortError } from '../../../src/ports/errors.js';
import { commands } from '../../support/examples.js';
import { rejectionOf } from '../../support/rejection-of.js';

const answered = (handled: CommandResult) =>
  listThrough({ handle: () => Promise.resolve(handled) }, 'import-1')(commands.list);

const recorded = { eventId: 'e', revision: 0n, position: 0n } as const;

const problem: StreamProblem = {
  kind: 'unreadable',
  stream: 'anime-1',
  revision: 0n,
  eventType: 'Foreign',
  detail: 'Event 0 cannot be read.',
  remedy: 'Ignore it.',
};

const refused = (code: 'ANIME_DELISTED' | 'INVALID_RATING'): CommandResult => ({
  kind: 'rejected',
  rejection: { code, reason: 'No.' },
});

describe('listThrough', () => {
  it('sends the command with the correlation id of the import', async () => {
    const seen: unknown[] = [];
    const handler: ListingHandler = {
      handle: (command, options) => {
        seen.push(command, options);
        return Promise.resolve({ kind: 'unchanged', revision: 0n });
      },
    };
    await listThrough(handler, 'import-1')(commands.list);
    expect(seen).to.deep.equal([commands.list, { correlationId: 'import-1' }]);
  });

  for (const [what, handled, outcome] of [
    ['a listing', { kind: 'accepted', type: 'AnimeListed', ...recorded }, 'listed'],
    ['a revision', { kind: 'accepted', type: 'AnimeDetailsRevised', ...recorded }, 'revised'],
    ['known details', { kind: 'unchanged', revision: 0n }, 'unchanged'],
    ['a delisted anime', refused('ANIME_DELISTED'), 'delisted'],
  ] as const) {
    it(`reports ${what} as ${outcome}`, async () => {
      expect(await answered(handled)).to.equal(outcome);
    });
  }

  for (const [result, code, retriable] of [
    [{ kind: 'conflict' }, 'CONFLICT', false],
    [{ kind: 'overloaded' }, 'UNAVAILABLE', true],
    [{ kind: 'unavailable' }, 'UNAVAILABLE', true],
    [{ kind: 'outcome-unknown' }, 'OUTCOME_UNKNOWN', true],
    [{ kind: 'gone' }, 'STREAM_DELETED', false],
    [{ kind: 'unreadable', problem }, 'CORRUPT', false],
    [{ kind: 'truncated', problem }, 'CORRUPT', false],
    [{ kind: 'access-denied' }, 'ACCESS_DENIED', false],
    [{ kind: 'refused-by-store' }, 'NOT_SUPPORTED', false],
    [{ kind: 'too-large' }, 'TOO_LARGE', false],
  ] as const) {
    it(`reports ${result.kind} as ${code}`, async () => {
      expect(await rejectionOf(answered(result)))
        .to.be.an.instanceOf(PortError)
        .and.include({ code, retriable });
    });
  }

  for (const handled of [
    { kind: 'precondition-failed', header: 'If-Match', revision: 0n },
    { kind: 'key-reused' },
    refused('INVALID_RATING'),
  ] as const) {
    it(`treats an impossible ${handled.kind} as a bug`, async () => {
      const error = await rejectionOf(answered(handled));
      expect(error).to.be.an.instanceOf(Error).and.not.an.instanceOf(PortError);
    });
  }
});
