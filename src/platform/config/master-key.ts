const KEY = /^[\w+/-]{43}=?$/;

/** The 32 bytes of a key in base64; undefined where the text is something else. */
export const masterKeyIn = (text: string): Uint8Array | undefined =>
  KEY.test(text) ? Buffer.from(text, 'base64') : undefined;
