/** What survives a round trip through JSON: no Date, Map, Set, bigint or undefined. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: JsonValue;
}
