import { readFile } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { listen } from '../../src/platform/http/http-server.js';

const BUNDLE = new URL('../../client/index.js', import.meta.url);
const EMPTY =
  '<script type="module">import * as anime from "./client/index.js"; window.anime = anime;</script>';

/** A site of its own, whose pages have the client. */
export const serveSite = async (pages: Readonly<Record<string, string>> = {}) => {
  const bundle = await readFile(BUNDLE);
  return listen(
    (req, res) => {
      const isBundle = req.url === '/client/index.js';
      res.setHeader('Content-Type', isBundle ? 'text/javascript' : 'text/html; charset=utf-8');
      res.end(
        isBundle ? bundle : `<!doctype html><title>A site</title>${pages[req.url ?? ''] ?? EMPTY}`,
      );
    },
    { host: '127.0.0.1', port: 0 },
  );
};

interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

/** A reverse proxy that keeps what passes; `hold` keeps requests for a path from the target for ever. */
export const seeingProxy = async (target: string) => {
  const seen: SeenRequest[] = [];
  let held: string | undefined;
  const server = await listen(
    (req, res) => {
      const { method = '', url = '', headers } = req;
      seen.push({ method, path: url, headers });
      if (`${method} ${url}` === held) {
        held = undefined;
        return;
      }
      const upstream = request(new URL(url, target), { method, headers }, (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(res);
      });
      upstream.on('error', () => res.destroy());
      req.pipe(upstream);
    },
    { host: '127.0.0.1', port: 0 },
  );
  return {
    url: server.url,
    seen,
    /** The next such request never arrives, and is never answered. */
    holdNext: (what: string) => void (held = what),
    close: () => server.close(1000),
  };
};
