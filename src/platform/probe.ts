import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';

/** One host of a server, and the first bytes of its protocol. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** Absent where the address turns TLS off. */
  readonly tls?: ConnectionOptions;
  /** A request that a server of that protocol answers before any login. */
  readonly hello: Uint8Array;
}

export type ProbeResult =
  | { readonly kind: 'fine' }
  /** May pass by itself. */
  | { readonly kind: 'unreachable'; readonly why: string }
  /** Only another setting helps. */
  | { readonly kind: 'speaks-tls' }
  | { readonly kind: 'speaks-no-tls' }
  | { readonly kind: 'certificate'; readonly why: string };

const PROBE_MS = 2_000;

/**
 * Probes the connection without the client library, which reports a closed port, a bad certificate or a
 * wrong protocol in many ways or not at all. Sends no credentials.
 */
export const probe = async (line: Endpoint, withinMs = PROBE_MS): Promise<ProbeResult> => {
  const { tls } = line;
  if (tls === undefined) {
    const reply = await sayHello(line, withinMs);
    if (reply === 'answer') return { kind: 'fine' };
    if (reply instanceof Error && isUnreachable(reply)) return unreachableResult(reply);
    const shaken = await shakeHands(line, { rejectUnauthorized: false }, withinMs);
    return shaken === null ? { kind: 'speaks-tls' } : unreachableResult(reply);
  }
  const failure = await shakeHands(line, tls, withinMs);
  if (failure === null) return { kind: 'fine' };
  if (isUnreachable(failure)) return unreachableResult(failure);
  const code = systemCode(failure);
  if (CERTIFICATE.test(code)) return { kind: 'certificate', why: `${failure.message} (${code})` };
  if ((await sayHello(line, withinMs)) === 'answer') return { kind: 'speaks-no-tls' };
  return unreachableResult(failure);
};

type Reply = 'answer' | 'silence' | Error;

const sayHello = ({ host, port, hello }: Endpoint, withinMs: number): Promise<Reply> =>
  withSocket<Reply>(withinMs, 'silence', (settle) => {
    const socket = connectTcp({ host, port }, () => void socket.write(hello));
    socket.once('data', (bytes: Buffer) => settle(isTlsRecord(bytes) ? 'silence' : 'answer'));
    socket.once('error', settle);
    socket.once('close', () => settle(connectionClosed()));
    return socket;
  });

/** Null where it succeeds. */
const shakeHands = (
  { host, port }: Endpoint,
  tls: ConnectionOptions,
  withinMs: number,
): Promise<Error | null> =>
  withSocket<Error | null>(withinMs, silent(), (settle) => {
    const name = isIP(host) === 0 ? { servername: host } : {};
    const socket = connectTls({ host, port, ...name, ...tls }, () => settle(null));
    socket.once('error', settle);
    socket.once('close', () => settle(connectionClosed()));
    return socket;
  });

const withSocket = async <T>(
  ms: number,
  late: T,
  begin: (settle: (outcome: T) => void) => Socket,
): Promise<T> => {
  let socket: Socket | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<T>((resolve) => {
      timer = setTimeout(() => resolve(late), ms);
      socket = begin(resolve);
    });
  } finally {
    clearTimeout(timer);
    // A late error must not be thrown.
    socket?.on('error', () => undefined).destroy();
  }
};

/** An alert or a handshake of TLS. */
const isTlsRecord = (bytes: Buffer): boolean =>
  (bytes[0] === 0x15 || bytes[0] === 0x16) && bytes[1] === 0x03;

const connectionClosed = (): Error => Object.assign(new Error('closed'), { code: 'ECONNRESET' });
const silent = (): Error => Object.assign(new Error('silent'), { code: 'ETIMEDOUT' });

const systemCode = (error: Error): string => ('code' in error ? String(error.code) : '');

const CERTIFICATE =
  /^(CERT_\w+|\w*SELF_SIGNED_CERT\w*|UNABLE_TO_(GET|VERIFY|DECODE|DECRYPT)_\w+|INVALID_(CA|PURPOSE)|HOSTNAME_MISMATCH|ERR_TLS_CERT_ALTNAME_\w+|ERROR_IN_CERT_\w+)$/;

const WHY: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'no host has that name',
  EAI_AGAIN: 'the name of the host cannot be looked up',
  EHOSTUNREACH: 'there is no route to that host',
  ENETUNREACH: 'there is no route to that network',
  ETIMEDOUT: 'it does not answer',
};

const isUnreachable = (error: Error): boolean => systemCode(error) in WHY;

const unreachableResult = (reply: Reply | Error): ProbeResult => ({
  kind: 'unreachable',
  why:
    reply instanceof Error
      ? (WHY[systemCode(reply)] ?? 'it closes the connection')
      : 'it does not answer like such a server',
});
