import { expect } from 'chai';
import { createSseReader, type SseMessage } from '../../../src/dashboard/data/sse.js';

const read = (...pieces: readonly string[]): readonly SseMessage[] => {
  const messages: SseMessage[] = [];
  const take = createSseReader((message) => messages.push(message));
  for (const piece of pieces) take(piece);
  return messages;
};

describe('the reader of server-sent events', () => {
  const MESSAGE = 'event: next\nid: 7\ndata: {"a":1}\n\n';

  it('reads the same messages wherever the stream is cut', () => {
    const whole = read(MESSAGE + MESSAGE);
    expect(whole).to.deep.equal([
      { event: 'next', id: '7', data: '{"a":1}' },
      { event: 'next', id: '7', data: '{"a":1}' },
    ]);
    for (let at = 1; at < MESSAGE.length; at += 1) {
      expect(read(MESSAGE.slice(0, at), MESSAGE.slice(at) + MESSAGE)).to.deep.equal(whole);
    }
  });

  it('reads carriage returns, cut or not', () => {
    const message = MESSAGE.replaceAll('\n', '\r\n');
    for (let at = 1; at < message.length; at += 1) {
      expect(read(message.slice(0, at), message.slice(at)), String(at)).to.have.length(1);
    }
  });

  it('joins lines of data, and ignores comments and incomplete messages', () => {
    expect(read(':\n\n', ': still here\n\n', 'data: a\ndata: b\n\n', 'data: c\n')).to.deep.equal([
      { event: 'message', id: null, data: 'a\nb' },
    ]);
  });

  it('reads an event without data: how a server ends a subscription', () => {
    expect(read('event: complete\n\n')).to.deep.equal([{ event: 'complete', id: null, data: '' }]);
  });
});
