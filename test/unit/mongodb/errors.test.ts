import { expect } from 'chai';
import {
  MongoBulkWriteError,
  MongoCompatibilityError,
  MongoInvalidArgumentError,
  MongoNetworkError,
  MongoServerError,
  MongoServerSelectionError,
  MongoTopologyClosedError,
  type BulkWriteResult,
  type TopologyDescription,
} from 'mongodb';
import { isDuplicateKey, mongodbPortError } from '../../../src/adapters/mongodb/connection.js';
import { PortError, UnavailableError } from '../../../src/ports/errors.js';

const server = (code: number, labels: string[] = []) =>
  new MongoServerError({ message: 'The server says so.', code, errorLabels: labels });

const bulk = (cause: Error, writeErrors = 0) =>
  new MongoBulkWriteError(cause, {
    getWriteErrorCount: () => writeErrors,
    getWriteConcernError: () => undefined,
  } as unknown as BulkWriteResult);

const codeOf = (error: unknown): string | undefined => {
  const port = mongodbPortError(error);
  return port instanceof PortError ? port.code : undefined;
};

describe('a failure of MongoDB', () => {
  for (const [what, error] of [
    ['a lost connection', new MongoNetworkError('connection closed')],
    ['no server to be found', new MongoServerSelectionError('none', {} as TopologyDescription)],
    ['a closed client', new MongoTopologyClosedError('closed')],
    ['a full pool', Object.assign(new Error('late'), { name: 'MongoWaitQueueTimeoutError' })],
    ['a socket that ends', Object.assign(new Error('ended'), { code: 'EPIPE' })],
    ['a stream that is gone', Object.assign(new Error('gone'), { code: 'ERR_STREAM_DESTROYED' })],
    ['an unknown host', Object.assign(new Error('where'), { code: 'ENOTFOUND' })],
    ['a server that is no primary any more', server(10107)],
    ['a server that shuts down', server(91)],
    ['a question out of time', server(50)],
    ['a majority that does not confirm', server(64)],
    ['an error that passes, by its label', server(1, ['RetryableWriteError'])],
    ['a failure inside the server', server(1)],
    ['a cursor that was killed', server(237)],
    ['too many requests', server(16500)],
    ['a lost connection under a bulk write', bulk(new MongoNetworkError('connection closed'))],
  ] as const) {
    it(`is unavailable and retriable for ${what}`, () => {
      const port = mongodbPortError(error);
      expect(port).to.be.instanceOf(UnavailableError).and.to.include({ retriable: true });
      expect((port as UnavailableError).cause).to.equal(error);
    });
  }

  it('is access denied where a user is unknown or lacks permission', () => {
    expect([13, 18, 8000].map((code) => codeOf(server(code)))).to.deep.equal(
      Array(3).fill('ACCESS_DENIED'),
    );
  });

  it('is too large where a document is, detected by the driver or the server', () => {
    const found = new MongoInvalidArgumentError(
      'Document is larger than the maximum size 16777216',
    );
    expect(codeOf(found)).to.equal('TOO_LARGE');
    expect(codeOf(server(10334))).to.equal('TOO_LARGE');
  });

  it('says what to do about an index that differs', () => {
    expect(codeOf(server(85))).to.equal('CORRUPT');
    expect(codeOf(server(86))).to.equal('CORRUPT');
  });

  for (const [what, error] of [
    ['an error that nobody has listed', server(424_242)],
    ['a value that a command does not take', server(2)],
    ['a command that it does not know', server(59)],
    ['a document that it does not accept, under a bulk write', bulk(server(121), 1)],
    ['a server that is too old for the driver', new MongoCompatibilityError('wire version 8')],
  ] as const) {
    it(`is a refusal, not retriable, for ${what}`, () => {
      const port = mongodbPortError(error) as PortError;
      expect(port).to.be.instanceOf(PortError);
      expect(port).to.include({ code: 'NOT_SUPPORTED', retriable: false, cause: error });
      expect(port.message).to.match(/^MongoDB refuses .*\. Use MongoDB 8\.0/);
    });
  }

  it('keeps the message of the server, which may contain stored data, for the log', () => {
    const error = new MongoServerError({
      message: 'no: { user: "spike" }',
      code: 9,
      codeName: 'No',
    });
    const port = mongodbPortError(error) as PortError;
    expect(port.message).to.include('(9 No)').and.to.not.include('spike');
    expect(port.context).to.deep.equal({ reason: 'no: { user: "spike" }', code: 9 });
  });

  it('stays a bug where it is a bug', () => {
    for (const bug of [
      new TypeError('undefined is not a function'),
      new MongoInvalidArgumentError('Argument "docs" must be an array of documents'),
      Object.assign(new TypeError('not a string'), { code: 'ERR_INVALID_ARG_TYPE' }),
      'a thrown text',
    ]) {
      expect(mongodbPortError(bug)).to.equal(bug);
    }
  });

  it('is not translated twice', () => {
    const error = new UnavailableError('Closed.');
    expect(mongodbPortError(error)).to.equal(error);
  });

  it('is a lost race for a duplicate key, also within a bulk write', () => {
    expect(isDuplicateKey(server(11000))).to.equal(true);
    expect(isDuplicateKey(bulk(server(11000), 1))).to.equal(true);
    expect(isDuplicateKey(server(2))).to.equal(false);
    expect(isDuplicateKey(new Error('other'))).to.equal(false);
  });
});
