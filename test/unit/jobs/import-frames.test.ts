import { expect } from 'chai';
import fc from 'fast-check';
import {
  decodeOutcome,
  encodeOutcome,
  encodeTitle,
  MAX_TITLES,
  readTitles,
  titlesFrame,
} from '../../../src/jobs/socket-protocol.js';
import {
  OutcomeUnknownError,
  PortError,
  TooLargeError,
  UnavailableError,
} from '../../../src/ports/errors.js';
import { AT, commands, COWBOY_BEBOP } from '../../support/examples.js';

const again = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe('the frames of an import', () => {
  it('carry a title as it is, whatever its texts hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 }), (text) => {
        const details = {
          title: 'x',
          genres: ['a"b\\', 'ü'],
          description: `${text} x`,
          score: null,
        };
        const command = { ...commands.list, details, relist: false };
        const [title] = readTitles(again(titlesFrame([encodeTitle(7, command)])));
        expect(title).to.deep.equal({ number: 7, command });
      }),
    );
  });

  it('list a delisted title again where the command does not say', () => {
    const [title] = readTitles(titlesFrame([encodeTitle(1, commands.list)]));
    expect(title?.command).to.deep.equal({ ...commands.list, relist: true });
  });

  for (const outcome of ['listed', 'revised', 'unchanged', 'delisted'] as const) {
    it(`carry the outcome ${outcome}`, () => {
      expect(decodeOutcome(again(encodeOutcome(outcome)))).to.equal(outcome);
    });
  }

  for (const error of [
    new PortError('CONFLICT', 'It kept conflicting.', false),
    new PortError('CORRUPT', 'An event cannot be read.', false),
    new PortError('STREAM_DELETED', 'It was deleted.', false),
    new PortError('ACCESS_DENIED', 'Denied.', false),
    new PortError('NOT_SUPPORTED', 'Refused.', true),
    new TooLargeError('Too large.'),
    new UnavailableError('Away.'),
    new OutcomeUnknownError('Unknown.'),
  ]) {
    it(`carry the error ${error.code} with its message and whether it can be retried`, () => {
      const decoded = decodeOutcome(again(encodeOutcome(error))) as PortError;
      expect(decoded).to.be.instanceOf(PortError);
      const { code, message, retriable } = error;
      expect(decoded).to.include({ code, message, retriable });
    });
  }

  const line = (...title: readonly unknown[]): string => JSON.stringify({ titles: [title] });

  for (const [what, text] of [
    ['text that is no JSON', '{"titles":['],
    ['null', 'null'],
    ['another frame', '{"args":[]}'],
    ['a title that is no list', '{"titles":[{}]}'],
    ['a number that is not whole', line(0.5, 1, AT, true, COWBOY_BEBOP)],
    ['an id out of range', line(1, 2 ** 31, AT, true, COWBOY_BEBOP)],
    ['a time that is none', line(1, 1, '2026-13-99T10:00:00.000Z', true, COWBOY_BEBOP)],
    ['a relist of another type', line(1, 1, AT, 'yes', COWBOY_BEBOP)],
    ['details without a title', line(1, 1, AT, true, { score: 1 })],
    ['a detail against its rule', line(1, 1, AT, true, { ...COWBOY_BEBOP, score: 11 })],
    ['an unknown detail', line(1, 1, AT, true, { ...COWBOY_BEBOP, clicks: 1 })],
    ['a prototype', `{"titles":[[1,1,"${AT}",true,{"title":"x","__proto__":{"score":1}}]]}`],
    [
      'too many titles',
      titlesFrame(Array<string>(MAX_TITLES + 1).fill(encodeTitle(1, commands.list))),
    ],
  ] as const) {
    it(`are refused where they hold ${what}`, () => {
      expect(() => readTitles(text)).to.throw(Error);
    });
  }
});
