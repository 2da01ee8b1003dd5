import { expect } from 'chai';
import { createFormats } from '../../../src/dashboard/data/format.js';

const english = createFormats('en-GB', 'UTC');
const german = createFormats('de-DE', 'UTC');

describe('the formats of the dashboard', () => {
  it('write numbers in the language of the browser', () => {
    expect(english.count(1_234_567)).to.equal('1,234,567');
    expect(german.count(1_234_567)).to.equal('1.234.567');
    expect(english.decimal(8.333, 2)).to.equal('8.33');
    expect(german.decimal(8.333, 2)).to.equal('8,33');
  });

  it('keep small counts exact and shorten large ones', () => {
    expect(english.compact(9999)).to.equal('9,999');
    // Releases of Node differ in K or k.
    expect(english.compact(12_345)).to.match(/^12\.3k$/i);
    expect(english.rate(3.04)).to.equal('3.0');
    expect(english.rate(1234.5)).to.equal('1,235');
  });

  it('write a dash for what is not known', () => {
    for (const unknown of [null, undefined, Number.NaN]) {
      expect(english.count(unknown)).to.equal('–');
      expect(english.decimal(unknown, 2)).to.equal('–');
      expect(english.duration(unknown)).to.equal('–');
    }
    expect(english.dateTime('no date')).to.equal('–');
    expect(english.ago('no date', 0)).to.equal('–');
  });

  it('write durations with two units at most', () => {
    expect(english.duration(0.25)).to.equal('0.3 secs');
    expect(english.duration(61)).to.equal('1 min 1 sec');
    expect(english.duration(3600)).to.equal('1 hr');
    expect(english.duration(90_061)).to.equal('1 day 1 hr');
  });

  it('write bytes in the unit that fits', () => {
    expect(english.bytes(0)).to.match(/^0 byte/);
    expect(english.bytes(1500)).to.equal('1.5 kB');
    expect(english.bytes(150_000_000)).to.equal('150 MB');
  });

  it('say how long ago something was', () => {
    const now = Date.parse('2026-01-02T00:00:00Z');
    expect(english.ago('2026-01-01T23:59:30Z', now)).to.equal('30 sec ago');
    expect(english.ago('2026-01-01T00:00:00Z', now)).to.equal('yesterday');
    expect(german.ago('2026-01-01T23:58:00Z', now)).to.equal('vor 2 Min.');
  });

  it('never move a UTC day to another day', () => {
    const west = createFormats('en-GB', 'America/Los_Angeles');
    expect(west.day('2026-03-01')).to.equal('1 Mar');
  });
});
