import { expect } from 'chai';
import fc from 'fast-check';
import {
  invalidArgument,
  streamDeleted,
  toRpcError,
  wrongExpectedVersion,
} from '../../../src/embedded-eventstore/grpc/rpc-error.js';
import {
  EventLogError,
  type LogErrorCode,
} from '../../../src/embedded-eventstore/log/event-log.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';

const ANY_TEXT = fc.string({ unit: 'binary', maxLength: 600 });

describe('a gRPC error', () => {
  it('can be sent for any stream name', () => {
    fc.assert(
      fc.property(ANY_TEXT, (stream) => {
        const { details, metadata } = streamDeleted(stream);
        expect(() => encodeURI(details)).not.to.throw();
        const [name] = metadata.get('stream-name');
        expect(name).to.match(/^[!-~]?(?:[ -~]*[!-~])?$/);
        expect(metadata.get('exception')).to.deep.equal(['stream-deleted']);
      }),
    );
  });

  it('contains a plain name unchanged, and any other in a reversible form', () => {
    const nameFor = (stream: string) => streamDeleted(stream).metadata.get('stream-name')[0];
    expect(nameFor('anime-1 (100%)')).to.equal('anime-1 (100%)');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (stream) => {
        fc.pre(!stream.includes('%'));
        expect(decodeURIComponent(String(nameFor(stream)))).to.equal(stream);
      }),
    );
  });

  it('contains a stream name of up to 2,000 bytes as sent, and everything after it', () => {
    for (const stream of ['a'.repeat(2000), 'é'.repeat(333), '😀'.repeat(166)]) {
      expect(streamDeleted(stream).details).to.equal(`Event stream '${stream}' is deleted.`);
      const { details } = wrongExpectedVersion('Append', stream, 7n, 8n);
      expect(details).to.contain(`Stream: ${stream}, Expected version: 7, Actual version: 8`);
    }
  });

  it('shortens a longer name between characters, and keeps what follows it', () => {
    for (const [character, kept] of [
      ['a', 2000],
      ['é', 333],
      ['😀', 166],
    ] as const) {
      const stream = character.repeat(kept + 1);
      const shown = `${character.repeat(kept)}…`;
      expect(streamDeleted(stream).details).to.equal(`Event stream '${shown}' is deleted.`);
      const { details } = wrongExpectedVersion('Append', stream, 7n, 8n);
      expect(details).to.contain(`Stream: ${shown}, Expected version: 7, Actual version: 8`);
    }
  });

  it('shortens any other text that is too long', () => {
    expect(invalidArgument('x'.repeat(3001)).details).to.equal(`${'x'.repeat(3000)}…`);
  });

  for (const [expected, text] of [
    ['no_stream', '-1'],
    ['any', '-2'],
    ['stream_exists', '-4'],
    [7n, '7'],
  ] as const) {
    it(`writes the expected version ${expected} as ${text}`, () => {
      const { metadata } = wrongExpectedVersion('Delete', 's', expected, 'no_stream');
      expect(metadata.get('expected-version')).to.deep.equal([text]);
      expect(metadata.get('actual-version')).to.deep.equal(['-1']);
    });
  }

  const codes: readonly [LogErrorCode, number][] = [
    ['closed', 14],
    ['busy', 10],
    ['failed', 10],
    ['unknown', 10],
  ];
  for (const [code, status] of codes) {
    it(`has status ${status} where the log is ${code}`, () => {
      const error = toRpcError(new EventLogError(code, 'The disk is full.'), silentLogger());
      expect(error).to.have.property('code', status);
      expect(error.details).to.contain('The disk is full.');
    });
  }

  it('does not contain the message of a bug', () => {
    const lines: unknown[] = [];
    const logger = { ...silentLogger(), error: (_: string, data?: object) => lines.push(data) };
    const bug = new TypeError('secret is not a function');
    const error = toRpcError(bug, logger);
    expect(error).to.have.property('code', 2);
    expect(error.details).to.equal('The server failed unexpectedly.');
    expect(lines).to.deep.equal([{ error: bug }]);
  });
});
