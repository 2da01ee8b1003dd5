import { expect } from 'chai';
import type { RecordedEvent } from '../../../src/ports/event-store.js';
import {
  createEventBuffer,
  createNewestEvents,
  positionOfResumeId,
  resumeIdOf,
} from '../../../src/query-side/subscriptions/event-feed.js';

const event = (n: number, bytes = 10): RecordedEvent => ({
  stream: 'anime-1',
  revision: BigInt(n),
  id: String(n),
  type: 'ClickRegistered',
  data: new Uint8Array(bytes),
  metadata: new Uint8Array(0),
  isJson: true,
  position: { commit: BigInt(n), prepare: BigInt(n) },
  recordedAt: 0,
});

describe('the events that a subscription has not sent yet', () => {
  it('come out in order, at most 500 and 512 KiB at a time', () => {
    const buffer = createEventBuffer();
    for (let n = 0; n < 700; n += 1) expect(buffer.add(event(n))).to.equal(true);
    const first = buffer.take() ?? [];
    const second = buffer.take() ?? [];
    expect([first.length, second.length]).to.deep.equal([500, 200]);
    expect([...first, ...second].map(({ id }) => Number(id))).to.deep.equal(
      Array.from({ length: 700 }, (_, n) => n),
    );
    expect(buffer.take()).to.equal(undefined);
    for (let n = 0; n < 3; n += 1) buffer.add(event(n, 300 * 1024));
    expect(buffer.take()).to.have.length(1);
  });

  it('are at most 2000 and 4 MiB, but never fewer than one', () => {
    const byCount = createEventBuffer();
    for (let n = 0; n < 2_000; n += 1) byCount.add(event(n));
    expect(byCount.add(event(2_000))).to.equal(false);
    const byBytes = createEventBuffer();
    expect(byBytes.add(event(0, 5 * 1024 * 1024))).to.equal(true);
    expect(byBytes.add(event(1))).to.equal(false);
    expect(byBytes.take()).to.have.length(1);
    expect(byBytes.isEmpty()).to.equal(true);
  });
});

describe('the newest events that a subscription has not sent yet', () => {
  it('come out in order, without older ones, and are never too many', () => {
    const buffer = createNewestEvents(3);
    expect(buffer.take()).to.equal(undefined);
    for (let n = 0; n < 5_000; n += 1) expect(buffer.add(event(n))).to.equal(true);
    expect(buffer.hasRoom()).to.equal(true);
    expect(buffer.take()?.map(({ id }) => id)).to.deep.equal(['4997', '4998', '4999']);
    expect(buffer.isEmpty()).to.equal(true);
  });
});

describe('the id to resume after', () => {
  it('keeps both halves of a position', () => {
    const position = { commit: 2n ** 63n - 1n, prepare: 7n };
    expect(positionOfResumeId(resumeIdOf(position))).to.deep.equal(position);
  });

  it('is nothing else', () => {
    for (const text of ['', '7', '7/', '-1/1', '7/7/7', 'x/7', '1'.repeat(21) + '/1']) {
      expect(positionOfResumeId(text), text).to.equal(undefined);
    }
  });
});
