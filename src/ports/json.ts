/** What survives a round trip through JSON: no Date, Map, Set, bigint or undefined. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** What was parsed as an object; nothing is known of its fields yet. */
export type UnknownFields = Readonly<Record<string, unknown>>;

/** Whether a parsed value is a JSON object: neither null nor an array. */
export const isJsonObject = (value: unknown): value is UnknownFields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Throws where the bytes are not UTF-8: to replace some would make two texts one. */
export const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/** The JSON object in stored bytes; undefined where they hold anything else. */
export const jsonObjectIn = (bytes: Uint8Array): UnknownFields | undefined => {
  try {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
};
