import { expect } from 'chai';
import { createLifecycle } from '../../src/platform/lifecycle.js';
import { silentLogger } from '../../src/platform/observability/logger.js';

const lifecycle = (timeoutMs = 10_000) => {
  const closed: string[] = [];
  const life = createLifecycle({ logger: silentLogger(), timeoutMs });
  const part = (name: string, close: () => Promise<void> = () => Promise.resolve()) =>
    life.open(
      name,
      () => name,
      async () => {
        closed.push(name);
        await close();
      },
    );
  return { life, closed, part };
};

describe('a lifecycle', () => {
  it('closes in reverse order', async () => {
    const { life, closed, part } = lifecycle();
    await part('store');
    await part('api');
    expect(await life.close()).to.equal(true);
    expect(closed).to.deep.equal(['api', 'store']);
  });

  it('closes once however often it is called', async () => {
    const { life, closed, part } = lifecycle();
    await part('store');
    await Promise.all([life.close(), life.close()]);
    await life.close();
    expect(closed).to.deep.equal(['store']);
  });

  it('closes the others when one fails, and reports it', async () => {
    const { life, closed, part } = lifecycle();
    await part('store');
    await part('api', () => Promise.reject(new Error('stuck socket')));
    expect(await life.close()).to.equal(false);
    expect(closed).to.deep.equal(['api', 'store']);
  });

  it('gives up at the deadline', async () => {
    const { life, part } = lifecycle(20);
    const never = new Promise<void>(() => undefined);
    await part('api', () => never);
    expect(await life.close()).to.equal(false);
  });

  it('opens nothing once it is closing', async () => {
    const { life, part } = lifecycle();
    await life.close();
    const error = await part('late').then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).to.be.an('error').with.property('message').that.contains('late was not opened');
  });

  it('does not remember a part that failed to open', async () => {
    const { life, closed } = lifecycle();
    const failure = new Error('port taken');
    const error = await life
      .open(
        'api',
        () => Promise.reject(failure),
        () => Promise.resolve(),
      )
      .catch((reason: unknown) => reason);
    expect(error).to.equal(failure);
    expect(await life.close()).to.equal(true);
    expect(closed).to.deep.equal([]);
  });
});
