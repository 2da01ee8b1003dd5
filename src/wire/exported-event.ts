import { isJsonObject } from '../ports/json.js';
import type { RecordedEvent } from '../ports/event-store.js';

/** What is exported beside data and metadata. 64-bit numbers are decimal strings. */
export const exportedHead = (event: RecordedEvent) => {
  const { position, stream, revision, id, type, recordedAt } = event;
  return {
    position: String(position.commit),
    stream,
    revision: String(revision),
    id,
    type,
    recordedAt: new Date(recordedAt).toISOString(),
  };
};

/** An event as one line of NDJSON, from which it can be read again byte by byte. */
export const toExportedLine = (event: RecordedEvent): string => {
  // Stored as bytes that need not be JSON.
  const form = event.isJson ? {} : { isJson: false };
  const head = { ...exportedHead(event), ...form };
  const parts = [JSON.stringify(head).slice(0, -1)];
  for (const name of ['data', 'metadata'] as const) {
    const json = jsonTextIn(event[name]);
    if (json !== undefined) parts.push(`"${name}":${onOneLine(json)}`);
    if (json === undefined || onOneLine(json) !== json) {
      parts.push(`"${name}Base64":"${Buffer.from(event[name]).toString('base64')}"`);
    }
  }
  return `${parts.join()}}\n`;
};

/** The stored text itself: parsing would lose digits of large numbers. Undefined if it is not JSON. */
export const jsonTextIn = (bytes: Uint8Array): string | undefined => {
  try {
    const text = STRICT_UTF8.decode(bytes);
    JSON.parse(text);
    return text;
  } catch {
    return undefined;
  }
};

/** A byte order mark stays, and is no JSON. */
const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Line breaks inside JSON strings are escaped, so these are only layout. */
export const onOneLine = (json: string): string => json.replaceAll(/[\r\n]+/g, ' ');

/** Why a line is no exported event, as the end of a sentence. */
export class ExportedLineError extends Error {}

/** Reads what `toExportedLine` wrote, byte by byte. Throws ExportedLineError. */
export const fromExportedLine = (line: string): RecordedEvent => {
  const members = memberTexts(line);
  const text = (name: string): string => {
    const value = parsedMember(members, name);
    if (typeof value !== 'string' || value === '') throw new ExportedLineError(`it has no ${name}`);
    return value;
  };
  const number = (name: string): bigint => {
    const digits = text(name);
    if (!/^\d{1,19}$/.test(digits)) throw new ExportedLineError(`its ${name} is no whole number`);
    return BigInt(digits);
  };
  const bytes = (name: string): Uint8Array => {
    if (members.has(`${name}Base64`)) {
      return Buffer.from(String(parsedMember(members, `${name}Base64`)), 'base64');
    }
    const json = members.get(name);
    if (json === undefined) throw new ExportedLineError(`it has no ${name}`);
    return Buffer.from(json, 'utf8');
  };
  const recordedAt = Date.parse(text('recordedAt'));
  if (Number.isNaN(recordedAt)) throw new ExportedLineError('its recordedAt is no time');
  const id = text('id');
  if (!UUID_TEXT.test(id)) throw new ExportedLineError('its id is no UUID');
  const commit = number('position');
  return {
    stream: text('stream'),
    revision: number('revision'),
    id,
    type: text('type'),
    data: bytes('data'),
    metadata: bytes('metadata'),
    isJson: parsedMember(members, 'isJson') !== false,
    position: { commit, prepare: commit },
    recordedAt,
  };
};

const UUID_TEXT = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const parsedMember = (members: ReadonlyMap<string, string>, name: string): unknown => {
  const json = members.get(name);
  return json === undefined ? undefined : (JSON.parse(json) as unknown);
};

/** The members of a JSON object with their values as they are written, which `JSON.parse` does not keep. */
const memberTexts = (line: string): ReadonlyMap<string, string> => {
  if (!isObjectText(line)) throw new ExportedLineError('it is no JSON object');
  const members = new Map<string, string>();
  let depth = 0;
  let name: string | undefined;
  let from = 0;
  for (const { 0: token, index } of line.matchAll(TOKENS)) {
    const end = index + token.length;
    if (token === '{' || token === '[') depth += 1;
    if (token === '}' || token === ']') depth -= 1;
    if (name === undefined && token.startsWith('"')) {
      name = JSON.parse(token) as string;
    } else if (depth === 1 && token === ':') {
      from = end;
    } else if (name !== undefined && (depth === 0 || (depth === 1 && token === ','))) {
      members.set(name, line.slice(from, index).trim());
      name = undefined;
    }
  }
  return members;
};

/** Texts, and what structures an object; numbers and words lie between. */
const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/g;

const isObjectText = (line: string): boolean => {
  try {
    return isJsonObject(JSON.parse(line));
  } catch {
    return false;
  }
};
