import { expect } from 'chai';
import { status } from '@grpc/grpc-js';
import { silentLogger, type Logger } from '../../../src/platform/observability/logger.js';
import { PortError } from '../../../src/ports/errors.js';
import type { DropReason } from '../../../src/ports/event-store.js';
import { eventually } from '../../support/eventually.js';
import { rejectionOf } from '../../support/rejection-of.js';
import { scriptedServer, type ReadServerCall } from '../../support/scripted-server.js';
import { follow } from '../event-store/given.js';
import { confirmation, eventAt, opened, openStore } from './support.js';

const TOO_SLOW = 'Consumer too slow to handle event while live.';

describe('EventStoreDB adapter, dropped subscriptions', () => {
  const keep = opened();

  /** Serves each subscription with the next act, and repeats the last one. */
  const subscribeTo = async (...acts: ((call: ReadServerCall) => void)[]) => {
    const asked: (string | undefined)[] = [];
    const server = await scriptedServer({
      read: (call) => {
        const act = acts[Math.min(asked.length, acts.length - 1)];
        asked.push(call.request.getOptions()?.getAll()?.getPosition()?.getCommitPosition());
        call.write(confirmation());
        act?.(call);
      },
    });
    keep(server, ({ stop }) => stop());
    const reasons: DropReason[] = [];
    const lines: string[] = [];
    const noted =
      (level: string): Logger['info'] =>
      (message, data) =>
        void lines.push(`${level} ${message} ${JSON.stringify(data?.['reason'])}`);
    const logger: Logger = {
      ...silentLogger(),
      info: noted('info'),
      warn: noted('warn'),
      child: () => logger,
    };
    const store = openStore(server.connectionString, {
      subscriptionSilenceMs: 200,
      logger,
    });
    keep(store, (one) => one.close());
    const following = follow(store, {
      after: 'start',
      onDrop: (reason) => reasons.push(reason),
    });
    return { following, asked, drops: () => reasons.length, reasons, lines };
  };

  const positions = (following: ReturnType<typeof follow>) =>
    following.events().map(({ position }) => position.commit);

  it('resumes where the server ends the call without an error', async () => {
    const { following, asked, drops } = await subscribeTo(
      (call) => {
        call.write(eventAt(10n));
        call.end();
      },
      (call) => call.write(eventAt(20n)),
    );
    await eventually(() => expect(positions(following)).to.deep.equal([10n, 20n]));
    await following.stop();
    expect(asked.slice(0, 2)).to.deep.equal([undefined, '10']);
    expect(drops()).to.equal(1);
  });

  it('resumes where a running server forgets the subscription', async () => {
    const { following, asked, drops } = await subscribeTo(
      (call) => call.write(eventAt(10n)),
      (call) => call.write(eventAt(20n)),
    );
    await eventually(() => expect(positions(following)).to.include(20n));
    await following.stop();
    expect(asked.slice(0, 2)).to.deep.equal([undefined, '10']);
    expect(drops()).to.equal(0);
  });

  it('resumes after several errors in a row', async () => {
    const fail = (call: ReadServerCall) => {
      call.emit('error', { code: status.INTERNAL, details: 'busy' });
    };
    const { following, drops } = await subscribeTo(fail, fail, fail, (call) =>
      call.write(eventAt(10n)),
    );
    await eventually(() => expect(positions(following)).to.include(10n));
    await following.stop();
    expect(drops()).to.equal(3);
  });

  it('resumes at once, with one log line, where the consumer was too slow', async () => {
    const slow = (call: ReadServerCall) => {
      call.write(eventAt(10n));
      const details = `Operation timed out: ${TOO_SLOW} Client resubscription required.`;
      call.emit('error', { code: status.ABORTED, details });
    };
    const { following, asked, reasons, lines } = await subscribeTo(slow, (call) =>
      call.write(eventAt(20n)),
    );
    await eventually(() => expect(positions(following)).to.deep.equal([10n, 20n]));
    await following.stop();
    expect(asked.slice(0, 2)).to.deep.equal([undefined, '10']);
    expect(reasons).to.deep.equal(['slow-consumer']);
    expect(lines).to.deep.equal([
      'info Subscription to the event store dropped, resuming "slow-consumer"',
    ]);
  });

  it('logs an outage once when it begins and once when it ends', async () => {
    const fail = (call: ReadServerCall) => {
      call.emit('error', { code: status.UNAVAILABLE, details: 'gone' });
    };
    const { following, reasons, lines } = await subscribeTo(fail, fail, fail, (call) =>
      call.write(eventAt(10n)),
    );
    await eventually(() => expect(positions(following)).to.include(10n));
    await following.stop();
    expect(reasons).to.deep.equal(['unavailable', 'unavailable', 'unavailable']);
    expect(lines.filter((line) => line.startsWith('warn'))).to.have.length(1);
  });

  it('keeps positions beyond 2^53', async () => {
    const beyond = 2n ** 63n - 1n;
    const { following, asked } = await subscribeTo((call) => {
      call.write(eventAt(beyond));
      call.end();
    });
    await eventually(() => expect(asked).to.include(beyond.toString()));
    await following.stop();
    expect(following.events()[0]?.position).to.deep.equal({ commit: beyond, prepare: beyond });
  });

  it('ends with an error that is not retriable', async () => {
    const { following } = await subscribeTo((call) => {
      call.emit('error', { code: status.PERMISSION_DENIED, details: 'not allowed' });
    });
    const error = await rejectionOf(following.ended);
    expect(error).to.be.instanceOf(PortError);
    expect(error).to.include({ code: 'ACCESS_DENIED', retriable: false });
  });
});
