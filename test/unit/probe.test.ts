import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { expect } from 'chai';
import { probe } from '../../src/platform/probe.js';
import { freePort } from '../support/free-port.js';

const HELLO = Buffer.from('hello');

/** The result of a probe of a server that handles each connection like this. */
const findingAt = async (serve: (socket: Socket) => void, tls?: object) => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    serve(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const line = { host: '127.0.0.1', port, hello: HELLO, ...(tls === undefined ? {} : { tls }) };
  try {
    return await probe(line, 200);
  } finally {
    server.close();
  }
};

describe('a probe of a server', () => {
  it('finds no fault where the server answers in its protocol', async () => {
    const found = await findingAt((socket) => {
      socket.once('data', (bytes) => socket.end(bytes));
    });
    expect(found).to.deep.equal({ kind: 'fine' });
  });

  it('detects a port that nobody listens on', async () => {
    const line = { host: '127.0.0.1', port: await freePort(), hello: HELLO };
    expect(await probe(line)).to.deep.equal({
      kind: 'unreachable',
      why: 'nothing listens there',
    });
  });

  it('finds a host name that does not exist', async () => {
    const found = await probe({ host: 'nobody.invalid', port: 1, hello: HELLO });
    expect(found)
      .to.have.property('why')
      .that.matches(/no host has that name|looked up/);
  });

  for (const tls of [undefined, {}]) {
    const over = tls === undefined ? '' : ', over TLS too';

    it(`detects a server that does not respond${over}`, async () => {
      const found = await findingAt((socket) => void socket.resume(), tls);
      expect(found).to.have.property('kind', 'unreachable');
      expect(found)
        .to.have.property('why')
        .that.matches(/does not answer/);
    });

    it(`does not mistake a server that closes the connection for one without TLS${over}`, async () => {
      const found = await findingAt((socket) => void socket.end(), tls);
      expect(found).to.deep.equal({ kind: 'unreachable', why: 'it closes the connection' });
    });
  }
});
