import { inspect } from 'node:util';
import { expect } from 'chai';
import { isTimely, laterOf, utcOf } from '../../src/domain/rules.js';

describe('a time from a client', () => {
  for (const [given, utc] of [
    ['2026-03-01T10:20:30Z', '2026-03-01T10:20:30.000Z'],
    ['2026-03-01T10:20:30.1239Z', '2026-03-01T10:20:30.123Z'],
    ['2026-03-01T00:30:00+01:00', '2026-02-28T23:30:00.000Z'],
    ['2028-02-29T23:30:00-01:00', '2028-03-01T00:30:00.000Z'],
  ] as const) {
    it(`is kept in UTC and in milliseconds: ${given}`, () => {
      expect(utcOf(given)).to.equal(utc);
    });
  }

  for (const value of [
    undefined,
    1_772_360_430_000,
    ['2026-03-01T10:20:30Z'],
    '2026-03-01',
    '2026-03-01T10:20:30',
    ' 2026-03-01T10:20:30Z',
    '2026-03-01T10:20:30Z ',
    '2026-02-30T10:20:30Z',
    '2026-13-01T10:20:30Z',
    '2026-03-01T24:00:00Z',
    '2026-03-01T10:20:60Z',
  ]) {
    it(`is not ${inspect(value)}`, () => {
      expect(utcOf(value)).to.equal(undefined);
    });
  }
});

describe('an interaction', () => {
  const RECEIVED = '2026-03-10T12:00:00.000Z';

  for (const [timely, occurredAt, when] of [
    [true, RECEIVED, 'when it was received'],
    [true, '2026-03-03T12:00:00.000Z', 'seven days before'],
    [false, '2026-03-03T11:59:59.999Z', 'more than seven days before'],
    [true, '2026-03-10T12:05:00.000Z', 'five minutes after'],
    [false, '2026-03-10T12:05:00.001Z', 'more than five minutes after'],
  ] as const) {
    it(`${timely ? 'may' : 'may not'} have happened ${when}`, () => {
      expect(isTimely(occurredAt, RECEIVED)).to.equal(timely);
    });
  }
});

describe('the later of two times', () => {
  for (const [one, other] of [
    ['2026-03-01T10:20:30.000Z', '2026-03-01T10:20:30.001Z'],
    ['2026-03-01T10:20:30Z', '2026-03-01T10:20:30.001Z'],
    ['2026-03-01T10:20:30.12Z', '2026-03-01T10:20:30.123Z'],
  ] as const) {
    it(`is ${other}, not ${one}`, () => {
      expect(laterOf(one, other)).to.equal(other);
      expect(laterOf(other, one)).to.equal(other);
    });
  }

  it('is the only one where there was none', () => {
    expect(laterOf(null, '2026-03-01T10:20:30.000Z')).to.equal('2026-03-01T10:20:30.000Z');
  });
});
