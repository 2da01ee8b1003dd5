import { expect } from 'chai';
import { portErrorOf, sqliteFailureOf } from '../../../src/adapters/embedded/read-store/file.js';
import { PortError, UnavailableError } from '../../../src/ports/errors.js';

const REMEDY = 'Delete that directory.';

const sqliteError = (errcode: number) => Object.assign(new Error('SQLite says so'), { errcode });

const meaningOf = (error: unknown) => portErrorOf(sqliteFailureOf(error), REMEDY, error);

describe('a failure of SQLite', () => {
  for (const [what, errcode] of [
    ['a file that is no database', 26],
    ['a damaged file', 11],
    ['a damaged file, said in more detail', 11 | (1 << 8)],
  ] as const) {
    it(`says what to do about ${what}`, () => {
      expect(meaningOf(sqliteError(errcode))).to.include({ code: 'CORRUPT', message: REMEDY });
    });
  }

  it('is known by its message where SQLite gives no code', () => {
    const codeless = new Error('database disk image is malformed');
    expect(meaningOf(codeless)).to.include({ code: 'CORRUPT', message: REMEDY });
  });

  for (const [what, errcode] of [
    ['a full disk', 13],
    ['a file that is busy', 5],
    ['a file that cannot be opened', 14],
    ['a disk that fails', 10 | (3 << 8)],
  ] as const) {
    it(`is unavailable for ${what}, without blaming a file`, () => {
      const error = meaningOf(sqliteError(errcode));
      expect(error).to.be.instanceOf(UnavailableError);
      expect(error).to.have.property('message').that.does.not.include(REMEDY);
    });
  }

  it('is passed on if it already is a port error', () => {
    expect(meaningOf(new UnavailableError('Not now.'))).to.have.property('code', 'UNAVAILABLE');
    expect(meaningOf(new PortError('CORRUPT', REMEDY, false))).to.have.property('code', 'CORRUPT');
  });

  it('keeps the message of SQLite when translated in both threads', () => {
    const once = meaningOf(
      Object.assign(new Error('unable to open database file'), { errcode: 14 }),
    );
    expect(meaningOf(once)).to.deep.include({
      context: { reason: 'unable to open database file' },
    });
  });

  it('stays a bug where it is a bug', () => {
    const bug = new TypeError('A bug.');
    const constraint = sqliteError(19);
    expect(meaningOf(bug)).to.equal(bug);
    expect(meaningOf(constraint)).to.equal(constraint);
  });
});
